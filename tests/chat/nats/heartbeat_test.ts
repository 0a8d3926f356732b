import { assertEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import { Heartbeat } from "../../../src/chat/nats/heartbeat.ts";
import type { NatsLink } from "../../../src/chat/nats/link.ts";
import { SERVER_KEY } from "../../../src/chat/nats/subjects.ts";
import type { Table } from "../../../src/chat/nats/table.ts";
import { FakeTime } from "../../support/fake_time.ts";

/** Server `a` with heartbeats every second, and what it writes and reports. */
function createHeartbeat() {
  const reports: string[] = [];
  const written: unknown[] = [];
  const ending = new AbortController();
  let onReady = () => {};
  const link = {
    isReady: true,
    signal: ending.signal,
    watch: (events: { onReady: () => void }) => void (onReady = events.onReady),
  };
  const table = {
    put(key: string, value: unknown) {
      written.push([key, value]);
      return Promise.resolve(written.length);
    },
  };
  const heartbeat = new Heartbeat(
    link as unknown as NatsLink,
    table as unknown as Table,
    { server: "a", leaseMs: 4_000, log: Logger.of("test") },
    {
      onGone: (server, why) => reports.push(`${server} gone: ${why}`),
      onBack: (server) => reports.push(`${server} back`),
      onBeat: () => reports.push("beat"),
    },
  );
  const receive = (server: string, value: unknown = { beatMs: 1_000 }) =>
    heartbeat.onEntry({ key: SERVER_KEY + server, revision: 1, value });
  return {
    heartbeat,
    link,
    receive,
    end: () => ending.abort(),
    reports: () => reports.splice(0),
    written: () => written.splice(0),
    /** NATS is back online. */
    reconnect() {
      link.isReady = true;
      onReady();
    },
  };
}

Deno.test("Heartbeat.onEntry() considers a server offline that sends no more heartbeats, and back with the next", async () => {
  using time = new FakeTime();
  const { receive, reports } = createHeartbeat();
  receive("b");
  for (let second = 0; second < 3; second++) {
    await time.advance(1_000);
    receive("a");
  }
  assertEquals(reports(), ["beat", "beat", "beat"]);
  await time.advance(1_000);
  receive("a");
  assertEquals(reports(), ["b gone: its server is lost", "beat"]);
  receive("b");
  assertEquals(reports(), ["b back"]);
});

Deno.test("Heartbeat.onEntry() reports a server that ends once, and not its own end", () => {
  const { receive, reports } = createHeartbeat();
  receive("b");
  receive("b", { gone: true });
  receive("b", { gone: true });
  receive("a", { gone: true });
  assertEquals(reports(), ["b gone: its server ended"]);
});

Deno.test("Heartbeat.start() writes a heartbeat at once, at each interval and when NATS is back online", async () => {
  using time = new FakeTime();
  const { heartbeat, link, end, written, reconnect } = createHeartbeat();
  const beat = [`${SERVER_KEY}a`, { beatMs: 1_000 }];
  await heartbeat.start();
  assertEquals(written(), [beat]);
  await time.advance(2_000);
  assertEquals(written(), [beat, beat]);
  link.isReady = false;
  await time.advance(1_500);
  assertEquals(written(), []);
  reconnect();
  assertEquals(written(), [beat]);
  await heartbeat.stop();
  assertEquals([written(), time.timerCount], [[[`${SERVER_KEY}a`, { gone: true }]], 0]);
  await heartbeat.start();
  end();
  assertEquals(time.timerCount, 0);
});
