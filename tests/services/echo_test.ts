import { assertEquals } from "@std/assert";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { startServer } from "../support/in_process.ts";

Deno.test("echo sends back what comes and ends when the client does", async () => {
  await using started = await startServer(["echo", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "a\nb\n");
  await conn.closeWrite();
  assertEquals(new TextDecoder().decode(await readToEnd(conn)), "a\nb\n");
});
