import { assertEquals } from "@std/assert";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { startServer } from "../support/program.ts";

Deno.test("discard takes megabytes and answers nothing", async () => {
  await using started = await startServer(["discard", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, new Uint8Array(8 * 1024 * 1024));
  await conn.closeWrite();
  assertEquals((await readToEnd(conn)).length, 0);
});
