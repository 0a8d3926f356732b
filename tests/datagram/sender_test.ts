import { assertEquals, assertRejects } from "@std/assert";
import { resolveTarget } from "../../src/datagram/sender.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";

Deno.test("resolveTarget() returns the address that datagrams can be sent to", async () => {
  const cases = [
    ["udp://127.0.0.1:9", "udp://127.0.0.1:9"],
    ["9", "udp://127.0.0.1:9"],
    ["0.0.0.0:9", "udp://127.0.0.1:9"],
    ["[::ffff:127.0.0.2]:9", "udp://127.0.0.2:9"],
    ["unixgram:/tmp/x", "unixgram:/tmp/x"],
  ] as const;
  for (const [text, expected] of cases) assertEquals(formatEndpoint(await resolveTarget(text)), expected);
});

Deno.test("resolveTarget() rejects an endpoint that takes no datagrams", async () => {
  for (const text of ["tcp://127.0.0.1:9", "unix:/tmp/x", "ws://127.0.0.1:9/"]) {
    await assertRejects(() => resolveTarget(text), SyntaxError, "the scheme must be udp or unixgram");
  }
});
