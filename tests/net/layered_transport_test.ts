import { assertEquals, assertRejects } from "@std/assert";
import { TimeoutError } from "../../src/base/errors.ts";
import { Logger } from "../../src/log/logger.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";
import type { Layer, Peer } from "../../src/net/layer.ts";
import { layeredDialer, LayeredTransport, type LayerSetup, type PutLayer } from "../../src/net/layered_transport.ts";
import { FakeTime } from "../support/fake_time.ts";
import { FakeTransport } from "../support/fake_transport.ts";

const PEER: Peer = {
  local: parseEndpoint("tcp://127.0.0.1:1"),
  remote: parseEndpoint("tcp://127.0.0.1:2"),
  log: Logger.of("test"),
};

/** A layer that puts `transport` on top once `until` is settled; `signals` receives its signal. */
function layer(
  transport: FakeTransport,
  rest: { replacesPeer?: boolean; until?: Promise<void>; signals?: AbortSignal[] } = {},
): Layer {
  return {
    name: "FAKE",
    ...(rest.replacesPeer === undefined ? {} : { replacesPeer: rest.replacesPeer }),
    async wrap(_inner, _peer, { signal }) {
      rest.signals?.push(signal);
      await rest.until;
      return { transport };
    },
  };
}

function layeredOver(bottom: FakeTransport, layers: readonly Layer[], setup: Partial<LayerSetup> = {}) {
  const put: PutLayer[] = [];
  const owner = { peer: PEER, onLayered: (layered: PutLayer) => void put.push(layered) };
  return { transport: new LayeredTransport(bottom, { layers, timeoutMs: 1_000, ...setup }, owner), put };
}

Deno.test("read(), write() and closeWrite() run the layers once, and use the topmost transport", async () => {
  for (const first of ["read", "write", "closeWrite"] as const) {
    const [bottom, middle, top] = [new FakeTransport(), new FakeTransport(), new FakeTransport()];
    const { transport, put } = layeredOver(bottom, [layer(middle), layer(top)]);
    top.say("hello");
    if (first === "read") assertEquals(await transport.read(new Uint8Array(9)), 5);
    if (first === "write") assertEquals(await transport.write(new TextEncoder().encode("abc")), 3);
    if (first === "closeWrite") await transport.closeWrite();
    await transport.handshake();
    assertEquals([put.length, put[0]?.isLast, put[1]?.isLast], [2, false, true], first);
    assertEquals([top.writes, top.isWriteClosed], [first === "write" ? ["abc"] : [], first === "closeWrite"]);
    assertEquals([bottom.writes, middle.writes, bottom.isWriteClosed], [[], [], false]);
    transport.close();
    transport.close();
    assertEquals([bottom.closeCount, middle.closeCount, top.closeCount], [0, 0, 1]);
  }
});

Deno.test("identifyPeer() runs the layers up to the last that may replace the peer's address", async () => {
  const layers = [false, true, false].map((replacesPeer) => layer(new FakeTransport(), { replacesPeer }));
  const { transport, put } = layeredOver(new FakeTransport(), layers);
  assertEquals(transport.hidesPeer, true);
  await transport.identifyPeer();
  assertEquals([transport.hidesPeer, put.length], [false, 2]);
  await transport.identifyPeer();
  await transport.handshake();
  assertEquals(put.length, 3);
  const plain = layeredOver(new FakeTransport(), [layer(new FakeTransport())]);
  assertEquals(plain.transport.hidesPeer, false);
  await plain.transport.identifyPeer();
  assertEquals(plain.put, []);
});

Deno.test("reset() resets the topmost transport if it can, and closes it otherwise, once", async () => {
  for (const canReset of [true, false]) {
    const top = new FakeTransport();
    let resets = 0;
    if (canReset) Object.assign(top, { reset: () => ++resets > 0 });
    const { transport } = layeredOver(new FakeTransport(), [layer(top)]);
    await transport.handshake();
    assertEquals([transport.reset(), transport.reset()], [canReset, false]);
    transport.close();
    assertEquals([resets, top.closeCount], canReset ? [1, 0] : [0, 1]);
  }
});

Deno.test("ref() and unref() apply to the socket below the layers", async () => {
  const called: string[] = [];
  const bottom = Object.assign(new FakeTransport(), {
    ref: () => void called.push("ref"),
    unref: () => void called.push("unref"),
  });
  const { transport } = layeredOver(bottom, [layer(new FakeTransport())]);
  await transport.handshake();
  transport.unref();
  transport.ref();
  assertEquals(called, ["unref", "ref"]);
  const plain = layeredOver(new FakeTransport(), []).transport;
  plain.ref();
  plain.unref();
});

Deno.test("close() ends a handshake, aborts the layer, and closes a transport that comes too late", async () => {
  const [bottom, late] = [new FakeTransport(), new FakeTransport()];
  const { promise: until, resolve } = Promise.withResolvers<void>();
  const signals: AbortSignal[] = [];
  const { transport, put } = layeredOver(bottom, [layer(late, { until, signals }), layer(new FakeTransport())]);
  const handshake = transport.handshake();
  const rejected = assertRejects(() => handshake, Deno.errors.NotConnected, "the connection is closed");
  await Promise.resolve();
  transport.close();
  await rejected;
  assertEquals([bottom.closeCount, late.closeCount, signals[0]?.aborted], [1, 0, true]);
  resolve();
  await until;
  await new Promise((turn) => setTimeout(turn, 0));
  assertEquals([late.closeCount, put.length, bottom.closeCount], [1, 0, 1]);
  const closed = layeredOver(new FakeTransport(), [layer(new FakeTransport(), { signals })]).transport;
  closed.close();
  await assertRejects(() => closed.read(new Uint8Array(1)), Deno.errors.NotConnected);
  assertEquals(signals.length, 1);
});

Deno.test("a handshake has one time limit for all layers, and names the layer and the peer", async () => {
  for (const endpoint of [undefined, "tls://db:5433"]) {
    using time = new FakeTime();
    const bottom = new FakeTransport();
    const first = Promise.withResolvers<void>();
    const layers = [
      layer(new FakeTransport(), { until: first.promise }),
      layer(new FakeTransport(), { until: new Promise(() => {}) }),
    ];
    const { transport } = layeredOver(bottom, layers, endpoint === undefined ? {} : { endpoint });
    const failed = assertRejects(
      () => transport.handshake(),
      TimeoutError,
      `Cannot speak FAKE with ${endpoint ?? "tcp://127.0.0.1:2"}: no handshake within 1s`,
    );
    await time.advance(600);
    first.resolve();
    await time.advance(390);
    assertEquals(bottom.closeCount, 0);
    await time.advance(20);
    await failed;
  }
});

Deno.test("a failed layer closes the transport, also one that it has closed itself", async () => {
  const failing: Layer = { name: "FAKE", wrap: () => Promise.reject(new Error("refused")) };
  for (const closeFailure of [undefined, new Deno.errors.BadResource("closed")]) {
    const bottom = new FakeTransport();
    bottom.closeFailure = closeFailure;
    await assertRejects(() => layeredOver(bottom, [failing]).transport.handshake(), Error, "refused");
    assertEquals(bottom.closeCount, 1);
  }
  const bottom = new FakeTransport();
  bottom.closeFailure = new Error("cannot close");
  await assertRejects(() => layeredOver(bottom, [failing]).transport.handshake(), Error, "cannot close");
});

Deno.test("layeredDialer() dials, then waits for the layers, and closes if they fail or are aborted", async () => {
  const options = { log: PEER.log, resolveTimeoutMs: 1_000, signal: new AbortController().signal };
  const dialed = async (layers: readonly Layer[], signal = options.signal) => {
    const bottom = new FakeTransport();
    const via = { dial: () => Promise.resolve({ transport: bottom, local: PEER.local, remote: PEER.remote }) };
    const dialing = layeredDialer(via, { layers, timeoutMs: 1_000 }).dial(PEER.remote, { ...options, signal });
    return { bottom, result: await dialing.catch((error: Error) => error) };
  };
  const top = new FakeTransport();
  const { result } = await dialed([layer(top)]);
  if (result instanceof Error) throw result;
  await result.transport.write(new TextEncoder().encode("abc"));
  assertEquals([top.writes, result.remote], [["abc"], PEER.remote]);
  const failed = await dialed([{ name: "FAKE", wrap: () => Promise.reject(new Error("refused")) }]);
  assertEquals([failed.result instanceof Error && failed.result.message, failed.bottom.closeCount], ["refused", 1]);
  const reason = new Error("stopped");
  const stopped = await dialed([layer(top, { until: new Promise(() => {}) })], AbortSignal.abort(reason));
  assertEquals([stopped.result, stopped.bottom.closeCount], [reason, 1]);
});
