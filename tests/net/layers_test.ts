import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  configureLogging,
  connect,
  type Connection,
  type Layer,
  type Layered,
  listen,
  parseEndpoint,
  TimeoutError,
  TlsError,
  type Transport,
} from "@parley/parley";
import { rawCodec } from "../../src/framing/raw.ts";
import { Logger } from "../../src/log/logger.ts";
import { directDialer } from "../../src/net/direct_dialer.ts";
import { Server } from "../../src/server/server.ts";
import { TestAuthority } from "../support/certificates.ts";
import { fakeConnection, FakeTransport } from "../support/fake_transport.ts";
import { serviceOf } from "../support/websocket_server.ts";

const authority = await TestAuthority.create();
const pair = await authority.issue();

/** A layer that does nothing but this. */
function layerOf(wrap: (inner: Transport, signal: AbortSignal) => Promise<Layered>, replacesPeer = false): Layer {
  return { name: "test", replacesPeer, wrap: (inner, _peer, { signal }) => wrap(inner, signal) };
}

/** Adds a letter before what is written, and one to what is read. */
function marking(letter: string): Layer {
  return layerOf((inner) => {
    const transport: Transport = {
      async read(bytes) {
        const count = await inner.read(bytes.subarray(1));
        if (count === null) return null;
        bytes[0] = letter.charCodeAt(0);
        return count + 1;
      },
      async write(bytes) {
        await inner.write(new Uint8Array([letter.charCodeAt(0), ...bytes]));
        return bytes.length;
      },
      closeWrite: () => inner.closeWrite(),
      close: () => inner.close(),
    };
    return Promise.resolve({ transport });
  });
}

const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes ?? undefined);
const bytesOf = (words: string) => new TextEncoder().encode(words);
const withLayers = (layers: readonly Layer[], timeoutMs = 60_000) => fakeConnection({ layers: { layers, timeoutMs } });

Deno.test("a connection puts its layers over the transport in order, at the first write", async () => {
  const { connection, transport } = withLayers([marking("a"), marking("b")]);
  assert(connection.needsHandshake);
  await connection.write(bytesOf("x"));
  assertEquals([transport.writes, connection.needsHandshake], [["abx"], false]);
  await connection.write(bytesOf("y"));
  transport.say("z");
  assertEquals([transport.writes[1], text(await connection.read())], ["aby", "baz"]);
  connection.close();
});

Deno.test("handshake() runs the layers once, however often it is called", async () => {
  let count = 0;
  const counting = layerOf((transport) => {
    count++;
    return Promise.resolve({ transport });
  });
  const { connection } = withLayers([counting]);
  await Promise.all([connection.handshake(), connection.handshake()]);
  await connection.handshake();
  assertEquals(count, 1);
  connection.close();
});

Deno.test("handshake() closes the transport and throws the layer's error", async () => {
  const { connection, transport } = withLayers([layerOf(() => Promise.reject(new TlsError("other", "not today")))]);
  await assertRejects(() => connection.handshake(), TlsError, "not today");
  assertEquals([transport.closeCount, connection.closeReason], [1, "handshake failed"]);
  await assertRejects(() => connection.read(), TlsError, "not today");
});

Deno.test("handshake() limits a layer that does not end to the time for all layers", async () => {
  let aborted: AbortSignal | undefined;
  const late = Promise.withResolvers<Layered>();
  const { connection, transport } = withLayers([
    marking("a"),
    layerOf((_, signal) => {
      aborted = signal;
      return late.promise;
    }),
  ], 5);
  const error = await assertRejects(() => connection.handshake(), TimeoutError);
  assertEquals([error.phase, connection.closeReason], ["handshake", "handshake timeout"]);
  assertEquals([aborted?.aborted, transport.closeCount], [true, 1]);
  const tooLate = new FakeTransport();
  late.resolve({ transport: tooLate });
  await late.promise;
  await Promise.resolve();
  assertEquals(tooLate.closeCount, 1);
});

Deno.test("close() during a handshake ends it, and the layer learns of it", async () => {
  let signal: AbortSignal | undefined;
  const { connection, transport } = withLayers([layerOf((_, given) => {
    signal = given;
    return new Promise(() => {});
  })]);
  const handshake = connection.handshake();
  await Promise.resolve();
  connection.close("drain");
  await assertRejects(() => handshake);
  assertEquals([signal?.aborted, transport.closeCount, connection.closeReason], [true, 1, "drain"]);
});

Deno.test("a layer replaces the peer's address, and later lines of the log name the new one", async () => {
  const remote = parseEndpoint("tcp://192.0.2.7:4711");
  const proxy = layerOf((transport) => Promise.resolve({ transport, remote }), true);
  const { connection } = withLayers([proxy, marking("a")]);
  const before = connection.log;
  await connection.identifyPeer();
  assertEquals([connection.remote, connection.needsHandshake], [remote, true]);
  assert(connection.log !== before);
  assertEquals(connection.identifyPeer(), undefined);
  connection.close();
});

Deno.test("a server asks its gate with the address that a layer has found, before TLS", async () => {
  const asked: string[] = [];
  const left: string[] = [];
  const real = parseEndpoint("tls://192.0.2.7:4711");
  let count = 0;
  const proxy = layerOf((transport) => {
    if (++count === 3) return Promise.reject(new Error("no header"));
    return Promise.resolve({ transport, ...count === 1 ? { remote: real } : {} });
  }, true);
  const listener = await listen("tls://127.0.0.1:0", { layers: [proxy], tls: pair });
  const gate = {
    enter: (address: string) => {
      asked.push(address);
      return address === "192.0.2.7" ? undefined : { reason: "denied" as const };
    },
    leave: (address: string) => void left.push(address),
  };
  const service = serviceOf(async (session) => {
    session.send("hello");
    await session.flush();
  });
  const log = Logger.of("test");
  const server = new Server({ service, listeners: [listener], codec: rawCodec, log, gate, drainTimeoutMs: 1_000 });
  const stop = new AbortController();
  const running = server.run(stop.signal);
  const tls = { ca: authority.cert };
  {
    await using allowed = await connect(listener.endpoint, { tls });
    assertEquals(text(await allowed.read()), "hello");
  }
  // Denied before any handshake: the client sees no TLS.
  await assertRejects(() => connect(listener.endpoint, { tls }));
  // No address, so nothing was asked; the place is given back.
  await assertRejects(() => connect(listener.endpoint, { tls }));
  stop.abort();
  await running;
  assertEquals([asked, left], [["192.0.2.7", "127.0.0.1"], ["192.0.2.7"]]);
  assertEquals([server.sessionCount, server.stats.open.size], [0, 0]);
});

Deno.test("connect() opens its transport by the dialer, and puts TLS over the layers below", async () => {
  using listener = await listen("tls://127.0.0.1:0", { tls: pair });
  const serving = listener.accept().then(async (accepted) => {
    await accepted?.handshake();
    await accepted?.[Symbol.asyncDispose]();
  });
  const dialled: string[] = [];
  const dialer: typeof directDialer = {
    dial(to, options) {
      dialled.push(to.scheme);
      return directDialer.dial(to, options);
    },
  };
  const below: Transport[] = [];
  const layer = layerOf((transport) => {
    below.push(transport);
    return Promise.resolve({ transport });
  });
  await using client: Connection = await connect(listener.endpoint, {
    dialer,
    layers: [layer],
    layersAboveTls: [layer],
    tls: { ca: authority.cert },
  });
  assertEquals([dialled, below.length, below[0] === below[1]], [["tls"], 2, false]);
  assertEquals(client.tls?.version, "TLSv1.3");
  await serving;
});

Deno.test("connect() reaches an untrusted server a second time through the same dialer and layers", async () => {
  using listener = await listen("tls://127.0.0.1:0", { tls: await (await TestAuthority.create("Other")).issue() });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.handshake().catch(() => {}).finally(() => connection.close());
    }
  })();
  let dials = 0;
  let layered = 0;
  const error = await assertRejects(() =>
    connect(listener.endpoint, {
      dialer: { dial: (to, options) => (dials++, directDialer.dial(to, options)) },
      layers: [layerOf((transport) => (layered++, Promise.resolve({ transport })))],
      tls: { ca: authority.cert },
    })
  );
  assertInstanceOf(error, TlsError);
  assertEquals([dials, layered, error.reason], [2, 2, "untrusted"]);
  listener.close();
  await serving;
});

Deno.test("connect() over TLS at level trace has the facts of TLS, and logs the handshake once", async () => {
  using listener = await listen("tls://127.0.0.1:0", { tls: pair });
  const serving = listener.accept().then(async (accepted) => {
    await accepted?.handshake();
    await accepted?.write("hello");
    await accepted?.[Symbol.asyncDispose]();
  });
  const lines: string[] = [];
  configureLogging({ level: "trace", format: "text", color: false, write: (line) => lines.push(line) });
  try {
    await using client = await connect(listener.endpoint, { tls: { ca: authority.cert }, context: "client" });
    assertEquals([client.tls?.version, text(await client.read())], ["TLSv1.3", "hello"]);
  } finally {
    configureLogging({ level: "off", format: "text", color: false, write: () => {} });
  }
  await serving;
  const own = lines.filter((line) => line.includes("[client]"));
  assertEquals(own.filter((line) => line.includes("TLS handshake")).length, 1);
  // What is traced is what TLS carries.
  assertEquals(own.filter((line) => line.includes("|hello|")).length, 1);
});
