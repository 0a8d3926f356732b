import { assertEquals, assertRejects } from "@std/assert";
import { connect, ParleyError, setSocketOptions } from "@parley/parley";
import { fromFileUrl } from "../support/paths.ts";

/** Unassigned addresses, reserved for benchmarks (RFC 2544, appendix C.2.2). */
const HERE = "198.18.77.1";
const THERE = "198.18.77.2";

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command("ip", { args }).output();
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** A host of our own beside this one, on a cable of its own. */
async function secondHost(): Promise<{ name: string } & AsyncDisposable> {
  const suffix = crypto.randomUUID().slice(0, 6);
  const name = `parley-${suffix}`;
  const cable = `pa${suffix}`;
  await using owner = new AsyncDisposableStack();
  await ip("netns", "add", name);
  owner.defer(() => ip("netns", "del", name));
  await ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name);
  owner.defer(() => ip("link", "del", cable));
  await ip("addr", "add", `${HERE}/30`, "dev", cable);
  await ip("link", "set", cable, "up");
  await ip("-n", name, "addr", "add", `${THERE}/30`, "dev", "eth0");
  await ip("-n", name, "link", "set", "eth0", "up");
  const owned = owner.move();
  return { name, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Why there can be no second host here, or `undefined`. */
async function whyNoSecondHost(): Promise<string | undefined> {
  try {
    await using _host = await secondHost();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const why = await whyNoSecondHost();
const name = "keep-alive ends a connection whose peer was cut off";

Deno.test(
  why === undefined ? name : `${name} (no second host here: ${why})`,
  { ignore: why !== undefined },
  async () => {
    await using host = await secondHost();
    const server = new Deno.Command("ip", {
      args: [
        ...["netns", "exec", host.name, Deno.execPath(), "run", "-N", fromFileUrl("../../src/server.ts")],
        ...["echo", `tcp://${THERE}:0`, "--print-endpoint"],
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    try {
      const reader = server.stdout.getReader();
      const endpoint = new TextDecoder().decode((await reader.read()).value).trim();
      await reader.cancel();
      await using connection = await connect(endpoint);
      await connection.write(new TextEncoder().encode("there?"));
      assertEquals(new TextDecoder().decode(await connection.read() ?? undefined), "there?");
      setSocketOptions(connection, { keepAlive: { idle: 1, interval: 1, count: 2 } });
      await ip("-n", host.name, "link", "set", "eth0", "down");
      await assertRejects(() => connection.read({ timeout: 30_000 }), ParleyError, "timed out");
    } finally {
      server.kill("SIGKILL");
      await server.status;
    }
  },
);
