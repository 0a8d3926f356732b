import { assertEquals } from "@std/assert";
import { parseEndpoint } from "@parley/parley";
import { isReachedBy, OwnAddress } from "../../src/net/own_address.ts";

/** Whether a socket bound to `bound` takes a sender for itself. */
function isOwn(bound: string, hostname: string, port = 5_000): boolean {
  return new OwnAddress(parseEndpoint(bound)).isAt({ transport: "udp", hostname, port });
}

Deno.test("OwnAddress.isAt() compares both address and port", () => {
  assertEquals(isOwn("udp://192.0.2.1:5000", "192.0.2.1"), true);
  assertEquals(isOwn("udp://192.0.2.1:5000", "192.0.2.1", 5_001), false);
  assertEquals(isOwn("udp://192.0.2.1:5000", "192.0.2.2"), false);
  assertEquals(isOwn("udp://[::1]:5000", "::1"), true);
});

Deno.test("OwnAddress.isAt() takes every address of this machine for that of a socket bound to all of them", () => {
  const here = Deno.networkInterfaces().filter(({ family }) => family === "IPv4").map(({ address }) => address);
  for (const address of here) assertEquals(isOwn("udp://0.0.0.0:5000", address), true, address);
  assertEquals(here.includes("127.0.0.1"), true);
  assertEquals(isOwn("udp://0.0.0.0:5000", "127.0.0.1", 5_001), false);
  assertEquals(isOwn("udp://[::]:5000", "::ffff:127.0.0.1"), true);
  assertEquals(isOwn("udp://0.0.0.0:5000", "192.0.2.7"), false);
});

Deno.test("OwnAddress.isAt() asks the kernel once about the address of a peer that uses the same port", () => {
  const own = new OwnAddress(parseEndpoint("udp://0.0.0.0:5000"));
  const asked: string[] = [];
  const isLocal = (host: string) => asked.push(host) > 0 && host === "10.0.0.1";
  const hosts = ["10.0.0.1", "192.0.2.7", "192.0.2.7", "10.0.0.1", "192.0.2.7"];
  const found = hosts.map((hostname) => own.isAt({ transport: "udp", hostname, port: 5_000 }, isLocal));
  assertEquals([found, asked], [[true, false, false, true, false], ["10.0.0.1", "192.0.2.7"]]);
});

Deno.test("isReachedBy() compares port and address; bound to all addresses, it takes every one of this machine", () => {
  const isReached = (bound: string, target: string) =>
    isReachedBy(parseEndpoint(bound), parseEndpoint(target), (host) => host === "192.0.2.1");
  assertEquals(isReached("192.0.2.5:80", "192.0.2.5:80"), true);
  assertEquals(isReached("192.0.2.5:80", "192.0.2.5:81"), false);
  assertEquals(isReached("192.0.2.5:80", "192.0.2.1:80"), false);
  assertEquals(["127.0.0.9", "192.0.2.1", "192.0.2.7", "db"].map((host) => isReached("0.0.0.0:80", `${host}:80`)), [
    true,
    true,
    false,
    false,
  ]);
});
