import { assertEquals } from "@std/assert";
import { ResettableAcceptor } from "../../src/net/resettable_acceptor.ts";
import { FakeTime } from "../support/fake_time.ts";
import { fullListener } from "../support/full_listener.ts";

Deno.test("ResettableAcceptor lets 32 clients wait for a place (MAX_WAITING), and resets the others (fault 80)", async () => {
  const acceptor = await ResettableAcceptor.listen({ host: "127.0.0.1", port: 0, backlog: 128 });
  const { port } = acceptor.addr;
  using clients = new DisposableStack();
  const readings: Promise<string>[] = [];
  for (let client = 0; client < 40; client++) {
    try {
      const conn = clients.use(await Deno.connect({ hostname: "127.0.0.1", port }));
      readings.push(conn.read(new Uint8Array(1)).then(() => "ended", () => "reset"));
    } catch (error) {
      // One of the others may be reset before the runtime has finished connecting it.
      const { ConnectionReset, NotConnected } = Deno.errors;
      if (!(error instanceof ConnectionReset || error instanceof NotConnected)) throw error;
      readings.push(Promise.resolve("reset"));
    }
  }
  assertEquals(await Promise.all(readings.slice(32)), Array(8).fill("reset"));
  for (let client = 0; client < 32; client++) (await acceptor.accept()).close();
  assertEquals(await Promise.all(readings.slice(0, 32)), Array(32).fill("ended"));
  acceptor.close();
});

Deno.test("ResettableAcceptor takes over, for three quarters of the connections, once its own is not accepted (fault 80)", async () => {
  using full = await fullListener();
  using time = new FakeTime();
  const acceptor = await ResettableAcceptor.listen({ host: "127.0.0.1", port: 0, backlog: 128 });
  const { addr } = acceptor;
  using clients = new DisposableStack();
  for (let client = 0; client < 8; client++) {
    clients.use(await Deno.connect({ hostname: "127.0.0.1", port: addr.port }));
    clients.use(await acceptor.accept());
  }
  const outcomes: unknown[] = [];
  const accepting = acceptor.accept().catch((error: Error) => error.message).then((outcome) => outcomes.push(outcome));
  for (let passedMs = 0; passedMs < 3_000; passedMs += 50) await time.advance(50);
  assertEquals(outcomes, [], "its own connection was handed out, or not accepted");
  // As if it had run out of descriptors.
  Object.assign(acceptor, { addr: { ...addr, port: full.port } });
  for (let passedMs = 0; passedMs < 20_000 && outcomes.length === 0; passedMs += 50) await time.advance(50);
  const why = "too many open files; accepting again, for 6 connections";
  assertEquals(outcomes, [`Cannot accept on tcp://127.0.0.1:${full.port}: ${why}`]);
  await accepting;
  acceptor.close();
});
