import { assertEquals } from "@std/assert";
import { ResettableAcceptor } from "../../src/net/resettable_acceptor.ts";

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
