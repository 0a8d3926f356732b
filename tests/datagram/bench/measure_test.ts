import { assert, assertEquals } from "@std/assert";
import { Measure, type MeasurePlan } from "../../../src/datagram/bench/measure.ts";
import { readProbe, STREAM_NUMBERS, writeProbe } from "../../../src/datagram/bench/probe.ts";
import { sink } from "../../../src/datagram/services/sink.ts";
import { Logger } from "../../../src/log/logger.ts";
import { FAKE_TARGET, fakeDatagramSocket, type FakeDatagramTransport } from "../../support/fake_datagrams.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { withinTime } from "../../support/give_back.ts";

type OnSend = (data: Uint8Array, transport: FakeDatagramTransport) => void;

function plan(options: Partial<MeasurePlan>): MeasurePlan {
  return {
    target: FAKE_TARGET,
    size: 100,
    perSecond: 1_000,
    durationMs: 60_000,
    count: 10,
    waitMs: 1_000,
    isOneWay: false,
    signal: new AbortController().signal,
    ...options,
  };
}

function start(onSend: OnSend, options: Partial<MeasurePlan> = {}) {
  const { socket, transport } = fakeDatagramSocket((_, transport, data) => onSend(data.slice(), transport));
  const measure = new Measure(socket, plan(options));
  return { measure, transport, running: measure.run() };
}

const echo: OnSend = (data, transport) => transport.deliver(data);

Deno.test("Measure sends its count and ends at once when all are answered", async () => {
  const trips: number[] = [];
  const { running, measure } = start(echo, { waitMs: 600_000, onRoundTrip: (ms) => trips.push(ms) });
  const { sent, report, foreign } = await withinTime(running, "a measurement");
  assertEquals([sent, report?.received, report?.unique, foreign, trips.length], [10, 10, 10, 0, 10]);
  assert(trips.every((ms) => ms >= 0 && ms < 10_000), `${trips}`);
  assertEquals([measure.sent, measure.received.unique], [10, 10]);
});

Deno.test("Measure counts repeated, corrupted and foreign replies, and times first replies only", async () => {
  let trips = 0;
  const { running } = start((data, transport) => {
    const { seq = 0, stream = 0 } = readProbe(data) as { seq?: number; stream?: number };
    const changed = data.slice();
    const write = (kind: "probe" | "query", of: { stream?: number; seq?: number }) => {
      writeProbe(changed, { kind, stream, seq, sentMs: 0, ...of });
      transport.deliver(changed);
    };
    if (seq === 0) { for (let copy = 0; copy < 2; copy++) transport.deliver(data); }
    else if (seq === 1) {
      changed[50] = 1;
      transport.deliver(changed);
    } else if (seq === 2) write("probe", { stream: (stream + 1) % STREAM_NUMBERS });
    // One more than the last number that is sent.
    else if (seq === 3) write("probe", { seq: 10 });
    else if (seq === 4) write("query", {});
    else if (seq === 5) transport.deliver("hello");
    else if (seq === 6) transport.deliver(data, { transport: "udp", hostname: "192.0.2.8", port: 9 });
    else transport.deliver(data);
  }, { waitMs: 50, onRoundTrip: () => trips++ });
  const { report, foreign } = await withinTime(running, "a measurement");
  assertEquals([report?.received, report?.duplicated, report?.corrupted, foreign, trips], [5, 1, 1, 5, 4]);
});

Deno.test("Measure keeps its rate, and catches up with 20 ms of it at most (CATCH_UP_MS, TICK_MS)", async () => {
  using time = new FakeTime();
  const { measure, running } = start(echo, { count: Infinity, durationMs: 2_000 });
  await time.advance(1_000);
  const { sent } = measure;
  assert(sent >= 950 && sent <= 1_051, `${sent} in a second at 1,000 a second`);
  await time.advance(2_000);
  const { sent: all, elapsedMs } = await running;
  assert(all >= 1_900 && all <= 2_051, `${all} in two seconds`);
  assert(elapsedMs >= 2_000 && elapsedMs <= 2_050, `${elapsedMs} ms`);

  const late = start(echo, { count: Infinity, durationMs: 1_000 });
  await time.advance(1);
  const before = late.measure.sent;
  // The clock jumps, as when the machine is busy.
  time.jump(500);
  await time.advance(1);
  const burst = late.measure.sent - before;
  assert(burst > 1 && burst <= 21, `${burst} at once`);
  await time.advance(2_000);
  await late.running;
});

Deno.test("Measure sends 100 a second one at a time, and without a rate as fast as it can", async () => {
  using time = new FakeTime();
  const slow = start(echo, { perSecond: 100, count: 3 });
  await time.advance(5);
  assertEquals(slow.measure.sent, 1);
  await time.advance(7);
  assertEquals(slow.measure.sent, 2);
  await time.advance(60_000);
  assertEquals((await slow.running).sent, 3);
  const fast = start(echo, { perSecond: Infinity, count: 200 });
  assertEquals((await withinTime(fast.running, "200 at once", 600_000)).sent, 200);
});

Deno.test("Measure waits for the last replies as long as it is asked to, and ends with its signal", async () => {
  using time = new FakeTime();
  const silent = start(() => {}, { count: 1, waitMs: 1_000 });
  let isDone = false;
  void silent.running.then(() => isDone = true);
  await time.advance(990);
  assertEquals(isDone, false);
  await time.advance(20);
  assertEquals([isDone, (await silent.running).report?.unique], [true, 0]);

  const stop = new AbortController();
  const stopped = start(echo, { count: Infinity, signal: stop.signal, waitMs: 600_000 });
  await time.advance(100);
  stop.abort();
  await time.advance(2);
  const { sent } = await withinTime(stopped.running, "the end");
  assert(sent >= 90 && sent <= 121, `${sent} in 100 ms`);
});

Deno.test("Measure queries a sink five times, a fifth of the wait apart", async () => {
  using time = new FakeTime();
  let queries = 0;
  const count: OnSend = (data) => {
    const probe = readProbe(data);
    if (typeof probe === "object" && probe.kind === "query") queries++;
  };
  const silent = start(count, { isOneWay: true, count: 1, waitMs: 1_000 });
  for (let expected = 1; expected <= 5; expected++) {
    await time.advance(expected === 1 ? 10 : 200);
    assertEquals(queries, expected);
  }
  await time.advance(200);
  assertEquals((await silent.running).report, undefined);
  assertEquals(queries, 5);
});

Deno.test("Measure takes the report of its own stream from a sink, and nothing else for it", async () => {
  const printed: string[] = [];
  const service = await sink.create({}, { log: Logger.of("test"), print: (line) => printed.push(line) });
  const { running } = start((data, transport) => {
    const { socket } = fakeDatagramSocket();
    const from = { scheme: "udp", host: "192.0.2.1", port: 5_000, path: "/" } as const;
    const reply = service.onDatagram({ data, from, isTruncated: false }, socket);
    if (reply === undefined) return;
    const report = JSON.parse(new TextDecoder().decode(reply));
    for (const wrong of [{ ...report, stream: report.stream + 1 }, { ...report, jitterMs: "x" }, null, 7]) {
      transport.deliver(JSON.stringify(wrong));
    }
    transport.deliver("{");
    transport.deliver(reply);
  }, { isOneWay: true, waitMs: 600_000 });
  const { report, foreign } = await withinTime(running, "a report");
  assertEquals([report?.received, report?.unique, report?.corrupted, foreign], [10, 10, 0, 5]);
  service[Symbol.dispose]?.();
  assertEquals(printed.length, 1);
});
