import { assertEquals, assertRejects } from "@std/assert";
import { messageOf } from "../../src/base/errors.ts";
import { resolveTarget } from "../../src/datagram/sender.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import type { Dialer } from "../../src/net/layer.ts";

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

Deno.test("resolveTarget() leaves a target to a proxy that relays datagrams, and rejects what it cannot reach", async () => {
  const fail = () => Promise.reject(new Error("not to be called"));
  const via = (text: string, dialer: Dialer = { dial: fail, associate: fail }) =>
    resolveTarget(text, undefined, dialer).then(formatEndpoint, messageOf);
  assertEquals(await via("no-such-host.invalid:9"), "udp://no-such-host.invalid:9");
  const cases = [
    ["unixgram:/tmp/x", "a proxy cannot connect to Unix sockets"],
    ["udp://239.0.0.7:9", "a proxy cannot send to a multicast or broadcast address"],
    ["udp://192.0.2.255:9", "a proxy cannot send to a multicast or broadcast address"],
  ] as const;
  for (const [text, reason] of cases) {
    assertEquals(await via(text), `Cannot send datagrams to ${text} through a proxy: ${reason}`);
  }
  assertEquals(
    await via("udp://192.0.2.1:9", { dial: fail }),
    "Cannot send datagrams to udp://192.0.2.1:9 through a proxy: only socks5 proxies relay datagrams",
  );
});
