import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { TimeoutError } from "@parley/parley";
import { messageOf } from "../../src/base/errors.ts";
import { bindSender, resolveTarget } from "../../src/datagram/sender.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import type { Dialer } from "../../src/net/layer.ts";
import { FakeTime } from "../support/fake_time.ts";

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

Deno.test("bindSender() gives up on a proxy that does not answer within the connect timeout", async () => {
  using time = new FakeTime();
  let waiting: AbortSignal | undefined;
  const associate: NonNullable<Dialer["associate"]> = (_, { signal }) => {
    waiting = signal;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  };
  const dialer: Dialer = { dial: () => Promise.reject(new Error("not to be called")), associate };
  const target = await resolveTarget("udp://192.0.2.1:9", undefined, dialer);
  const outcome = bindSender(target, undefined, { dialer }).catch((error: unknown) => error);
  await time.advance(9_999);
  assertEquals(waiting?.aborted, false);
  await time.advance(1);
  assertEquals(waiting?.aborted, true);
  const error = await outcome;
  assertInstanceOf(error, TimeoutError);
  assertEquals(
    [error.phase, error.message],
    ["connect", "Cannot reach udp://192.0.2.1:9: the proxy did not answer within 10s"],
  );
});
