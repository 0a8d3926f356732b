import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BindError } from "@parley/parley";
import { interfaceIndex, joinGroups, type MulticastSetup } from "../../src/net/multicast.ts";

/** What a socket is asked for. */
async function join(setup: Partial<MulticastSetup>, failure?: Error): Promise<string[]> {
  const calls: string[] = [];
  const membership = (version: number) => (group: string, on: string | number) => {
    calls.push(`v${version} ${group} ${on}`);
    if (failure !== undefined) return Promise.reject(failure);
    return Promise.resolve({
      leave: () => Promise.resolve(),
      setLoopback: () => Promise.resolve(),
      setTTL: (ttl: number) => Promise.resolve(void calls.push(`ttl ${ttl}`)),
    });
  };
  const conn = { joinMulticastV4: membership(4), joinMulticastV6: membership(6) };
  await joinGroups(conn as Parameters<typeof joinGroups>[0], {
    groups: [],
    interface: undefined,
    ttl: undefined,
    ...setup,
  });
  return calls;
}

Deno.test("joinGroups() joins each group on the interface that is asked for, and sets the TTL of IPv4", async () => {
  assertEquals(await join({ groups: ["239.0.0.7", "ff02::7"] }), ["v4 239.0.0.7 0.0.0.0", "v6 ff02::7 0"]);
  assertEquals(await join({ groups: ["239.0.0.7"], interface: "127.0.0.1", ttl: 3 }), [
    "v4 239.0.0.7 127.0.0.1",
    "ttl 3",
  ]);
  assertEquals(await join({ groups: ["ff02::7"], interface: "2" }), ["v6 ff02::7 2"]);
});

Deno.test("joinGroups() rejects an invalid group, an interface of another family, and a TTL for IPv6", async () => {
  await assertRejects(() => join({ groups: ["192.0.2.1"] }), SyntaxError, "not a multicast group");
  await assertRejects(
    () => join({ groups: ["239.0.0.7"], interface: "2" }),
    SyntaxError,
    "needs an interface's address",
  );
  await assertRejects(
    () => join({ groups: ["239.0.0.7"], interface: "::1" }),
    SyntaxError,
    "needs an interface's address",
  );
  await assertRejects(() => join({ groups: ["ff02::7"], interface: "127.0.0.1" }), SyntaxError, "interface's index");
  await assertRejects(() => join({ groups: ["ff02::7"], ttl: 3 }), RangeError, "multicastHops");
  assertThrows(() => interfaceIndex("1234567890", "ff02::7"), SyntaxError);
});

Deno.test("joinGroups() names the group and the interface that the system rejects", async () => {
  const failure = Object.assign(new Error("No such device (os error 19)"), { code: "ENODEV" });
  const error = await assertRejects(() => join({ groups: ["239.0.0.7"], interface: "127.0.0.9" }, failure), BindError);
  assertEquals([error.reason, error.message.split(":")[0]], ["not available", "Cannot join 239.0.0.7 on 127.0.0.9"]);
  const other = await assertRejects(() => join({ groups: ["239.0.0.7"] }, failure), BindError);
  assertEquals(other.message.split(":")[0], "Cannot join 239.0.0.7");
});
