import { assertEquals } from "@std/assert";
import { ServerStats } from "../../src/server/server_stats.ts";
import { fakeConnection } from "../support/fake_transport.ts";

Deno.test("ServerStats sums up open and closed connections, and counts ends by reason", async () => {
  const stats = new ServerStats();
  const { transport: first, connection: gone } = fakeConnection();
  const { transport: second, connection: here } = fakeConnection();
  for (const connection of [gone, here]) stats.opened(connection);
  first.say("12345");
  await gone.read();
  await gone.write(new Uint8Array(3));
  second.say("12");
  await here.read();
  gone.close("idle timeout");
  stats.closed(gone);
  assertEquals(stats.totals(), { bytesRead: 7, bytesWritten: 3, messagesRead: 0, messagesWritten: 0 });
  assertEquals([stats.open.size, stats.accepted, stats.outboxHighWater], [1, 2, 3]);
  assertEquals(Object.fromEntries(stats.closedByReason), { "idle timeout": 1 });
  assertEquals(stats.recentlyClosed.map(({ reason, bytesRead }) => [reason, bytesRead]), [["idle timeout", 5]]);
  here.close();
});

Deno.test("ServerStats keeps the last 128 closed connections (MAX_RECENT), latest first", () => {
  const stats = new ServerStats();
  for (let count = 0; count < 200; count++) {
    const { connection } = fakeConnection();
    stats.opened(connection);
    connection.close(count === 199 ? "kicked" : "done");
    stats.closed(connection);
  }
  assertEquals(stats.recentlyClosed.length, 128);
  assertEquals(stats.recentlyClosed[0]?.reason, "kicked");
  assertEquals([stats.open.size, stats.closedByReason.get("done")], [0, 199]);
});
