import { assert, assertEquals } from "@std/assert";
import { type Connection, Listener, Logger, parseEndpoint } from "@parley/parley";
import { Admission } from "../../src/guard/admission.ts";
import { acceptLoop } from "../../src/server/accept_loop.ts";

/** A listener whose accepts follow a list; it closes at the end of the list. */
function scriptedListener(script: (Error | "connection")[]): Listener {
  const listener = new Listener({
    accept() {
      const next = script.shift();
      if (next === undefined) {
        listener.close();
        return Promise.reject(new Deno.errors.BadResource("closed"));
      }
      if (next !== "connection") return Promise.reject(next);
      return Promise.resolve({
        remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 9 } as const,
        read: () => Promise.resolve(null),
        write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
        closeWrite: () => Promise.resolve(),
        close() {},
      });
    },
    close() {},
  }, { endpoint: parseEndpoint("tcp://127.0.0.1:1"), log: Logger.of("test") });
  return listener;
}

async function run(script: (Error | "connection")[], signal = new AbortController().signal, maxConnections = 100) {
  const admission = new Admission({ maxConnections });
  const connections: Connection[] = [];
  const errors: unknown[] = [];
  const startedMs = performance.now();
  await acceptLoop(scriptedListener(script), {
    admission,
    signal,
    onConnection: (connection) => connections.push(connection),
    onError: (error) => errors.push(error),
  });
  for (const connection of connections) connection.close();
  return { accepted: connections.length, errors, admission, tookMs: performance.now() - startedMs };
}

Deno.test("acceptLoop() passes on every connection and returns when the listener is closed", async () => {
  const { accepted, errors, admission } = await run(["connection", "connection"]);
  assertEquals([accepted, errors.length, admission.open], [2, 0, 2]);
});

Deno.test("acceptLoop() survives errors, waits longer after each, and starts over after a success", async () => {
  const failure = () => new Error("Connection aborted (os error 103)");
  const { accepted, errors, tookMs } = await run([
    failure(),
    failure(),
    failure(),
    "connection",
    failure(),
    "connection",
  ]);
  assertEquals([accepted, errors.length], [2, 4]);
  // 10, 20 and 40 ms, then 10 again; timers may be early by less than a millisecond each.
  assert(tookMs >= 76, `${tookMs} ms`);
});

Deno.test("acceptLoop() ends its wait when the signal aborts", async () => {
  const stop = new AbortController();
  const listener = scriptedListener(Array.from({ length: 1_000 }, () => new Error("again and again")));
  let errors = 0;
  await acceptLoop(listener, {
    admission: new Admission({ maxConnections: 1 }),
    signal: stop.signal,
    onConnection() {},
    onError() {
      if (++errors === 3) stop.abort();
    },
  });
  assertEquals(errors, 3);
  listener.close();
});

Deno.test("acceptLoop() accepts nothing at the limit", async () => {
  const stop = new AbortController();
  const admission = new Admission({ maxConnections: 1 });
  admission.enter();
  const listener = scriptedListener(["connection"]);
  let count = 0;
  const accepted = Promise.withResolvers<void>();
  const running = acceptLoop(listener, {
    admission,
    signal: stop.signal,
    onConnection(connection) {
      count++;
      connection.close();
      accepted.resolve();
    },
  });
  await Promise.resolve();
  assertEquals(count, 0);
  admission.leave();
  await accepted.promise;
  admission.leave();
  stop.abort();
  listener.close();
  await running;
  assertEquals(count, 1);
});
