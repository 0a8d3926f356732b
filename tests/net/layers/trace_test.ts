import { assertEquals, assertRejects } from "@std/assert";
import { configureLogging, Logger, parseEndpoint } from "@parley/parley";
import { handshakeTraceLayer, traceLayer } from "../../../src/net/layers/trace.ts";
import type { Layer } from "../../../src/net/layer.ts";
import { FakeTransport } from "../../support/fake_transport.ts";

const OPTIONS = { timeoutMs: 1_000, signal: new AbortController().signal };

/** A transport below a layer, and what the layer logs. */
async function start(layer: Layer, inner = new FakeTransport()) {
  const lines: string[] = [];
  configureLogging({
    level: "trace",
    format: "text",
    color: false,
    write: (line) => lines.push(line.slice(13).trimEnd()),
  });
  const local = parseEndpoint("tcp://127.0.0.1:1");
  const { transport } = await layer.wrap(inner, { local, remote: local, log: Logger.of("t") }, OPTIONS);
  return {
    inner,
    transport,
    lines,
    [Symbol.dispose]: () => configureLogging({ level: "off", format: "text", color: false, write: () => {} }),
  };
}

Deno.test("traceLayer logs every step and what it carries", async () => {
  using traced = await start(traceLayer);
  const { inner, transport, lines } = traced;
  inner.say("hi", null);
  const into = new Uint8Array(10);
  assertEquals([await transport.read(into), await transport.read(into)], [2, null]);
  assertEquals(await transport.write(new TextEncoder().encode("yes")), 3);
  await transport.closeWrite();
  transport.close();
  assertEquals([inner.writes, inner.isWriteClosed, inner.closeCount], [["yes"], true, 1]);
  assertEquals(lines.filter((line) => !line.includes("  ")), [
    "trace [t] < 2 bytes step=receive",
    "trace [t] < end step=end",
    "trace [t] > 3 bytes step=send",
    "trace [t] > end step=half-close",
    "trace [t] close step=close",
  ]);
});

Deno.test("traceLayer dumps 4,096 bytes (DUMP_BYTES), and counts the rest", async () => {
  for (const [length, more] of [[4_096, []], [4_097, ["trace [t] > 1 bytes more"]]] as const) {
    using traced = await start(traceLayer);
    await traced.transport.write(new Uint8Array(length));
    assertEquals(traced.lines.length, 1 + 256 + more.length);
    assertEquals(traced.lines.slice(257), [...more]);
  }
});

Deno.test("traceLayer logs a step that fails, and throws its error", async () => {
  using traced = await start(traceLayer);
  traced.inner.say(new Error("reset"));
  await assertRejects(() => traced.transport.read(new Uint8Array(1)), Error, "reset");
  assertEquals(traced.lines, ['trace [t] read failed error="Error: reset"']);
});

Deno.test("traceLayer resets a transport that can be reset, and closes others", async () => {
  using plain = await start(traceLayer);
  assertEquals([plain.transport.reset?.(), plain.inner.closeCount], [false, 1]);
  using resettable = await start(traceLayer, Object.assign(new FakeTransport(), { reset: () => true }));
  assertEquals([resettable.transport.reset?.(), resettable.inner.closeCount], [true, 0]);
  assertEquals(resettable.lines, ["trace [t] reset step=reset"]);
});

Deno.test("handshakeTraceLayer logs its step and leaves the transport as it is", async () => {
  using step = await start(handshakeTraceLayer);
  assertEquals([step.transport === step.inner, step.lines], [true, ["trace [t] TLS handshake step=handshake"]]);
});
