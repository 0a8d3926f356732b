import { assertEquals } from "@std/assert";
import { type ExchangeOutcome, ExchangeSummary, formatRanges } from "../../src/datagram/exchange_summary.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";

function outcome(seq: number, status: ExchangeOutcome["status"], elapsedMs?: number, tries = 1): ExchangeOutcome {
  return { seq, status, tries, elapsedMs, replies: [] };
}

Deno.test("ExchangeSummary counts results by their status, and retries", () => {
  const summary = new ExchangeSummary();
  assertEquals([summary.lossRatio, summary.times()], [0, undefined]);
  summary.add(outcome(1, "answered", 3));
  summary.add(outcome(2, "silent", undefined, 3));
  summary.add(outcome(3, "refused"));
  summary.add(outcome(4, "one-way"));
  summary.abandon(0);
  summary.abandon(2);
  const { sent, answered, lost, refused, retries, lossRatio } = summary;
  assertEquals({ sent, answered, lost, refused, retries, lossRatio }, {
    ...{ sent: 5, answered: 1, lost: [2, 3], refused: 1, retries: 3, lossRatio: 0.4 },
  });
});

Deno.test("ExchangeSummary has the times of replies, and the 99th percentile by nearest rank", () => {
  const timesOf = (times: readonly number[]) => {
    const summary = new ExchangeSummary();
    for (const [index, time] of times.entries()) summary.add(outcome(index + 1, "answered", time));
    return summary.times();
  };
  assertEquals(timesOf([5]), { min: 5, avg: 5, p99: 5, max: 5 });
  assertEquals(timesOf([9, 1, 2]), { min: 1, avg: 4, p99: 9, max: 9 });
  assertEquals(timesOf(Array.from({ length: 100 }, (_, index) => 100 - index))?.p99, 99);
  assertEquals(timesOf(Array.from({ length: 101 }, (_, index) => 101 - index))?.p99, 100);
  assertEquals(timesOf(Array.from({ length: 200 }, (_, index) => index + 1)), {
    min: 1,
    avg: 100.5,
    p99: 198,
    max: 200,
  });
});

Deno.test("ExchangeSummary counts every datagram of the first ten unexpected senders", () => {
  const summary = new ExchangeSummary();
  for (let port = 1; port <= 12; port++) summary.addUnexpectedSender(parseEndpoint(`udp://10.0.0.1:${port}`));
  summary.addUnexpectedSender(parseEndpoint("udp://10.0.0.1:10"));
  summary.addUnexpectedSender(parseEndpoint("udp://10.0.0.1:12"));
  const expected = Array.from({ length: 10 }, (_, index): [string, number] => [
    `udp://10.0.0.1:${index + 1}`,
    index === 9 ? 2 : 1,
  ]);
  assertEquals([...summary.unexpectedSenders], expected);
  const unnamed = new ExchangeSummary();
  unnamed.addUnexpectedSender(null);
  assertEquals([...unnamed.unexpectedSenders], [["unnamed", 1]]);
});

Deno.test("formatRanges() joins neighbours, in ascending order", () => {
  assertEquals([[], [4], [9, 8, 3, 7], [1, 2, 4, 5, 11]].map(formatRanges), ["", "4", "3, 7-9", "1-2, 4-5, 11"]);
});
