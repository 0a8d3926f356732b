import { assertEquals } from "@std/assert";
import { utf8 } from "../../../../src/base/bytes.ts";
import { sendReport, type SendReportOptions } from "../../../../src/commands/udp/send/report.ts";
import { type ExchangeOutcome, ExchangeSummary } from "../../../../src/datagram/exchange_summary.ts";
import { type Endpoint, parseEndpoint } from "../../../../src/net/endpoint.ts";
import { FakeIo } from "../../../support/fake_io.ts";

const FROM = parseEndpoint("udp://127.0.0.1:5");

function reply(text: string, from: Endpoint | null = FROM, isTruncated = false) {
  return { data: utf8(text), from, isTruncated, atMs: 0 };
}

function outcome(status: ExchangeOutcome["status"], rest: Partial<ExchangeOutcome> = {}): ExchangeOutcome {
  return { seq: 3, status, tries: 1, elapsedMs: undefined, replies: [], ...rest };
}

/** What is printed for results and faults, each on standard output and on standard error. */
async function printed(
  results: readonly (readonly [ExchangeOutcome, fault?: string | undefined])[],
  { summary, ...options }: Partial<SendReportOptions> & { summary?: ExchangeSummary } = {},
): Promise<{ out: string; err: string }> {
  const io = new FakeIo();
  const defaults = { isJson: false, count: 1, isSilenceExpected: false, unexpectedSenders: new Map<string, number>() };
  const report = sendReport("udp://t:1", { ...defaults, ...options }, io);
  for (const [result, fault] of results) await report.outcome(result, fault);
  if (summary !== undefined) await report.end(summary, 5);
  return { out: io.out, err: io.err };
}

Deno.test("sendReport() prints each reply as one line, and marks one that is truncated", async () => {
  const replies = [reply("one"), reply("two\n"), reply("", null, true), reply("cut", FROM, true)];
  assertEquals(await printed([[outcome("answered", { replies })]]), {
    out: "one\ntwo\n\ncut\n",
    err: "truncated reply from an unnamed socket\ntruncated reply from udp://127.0.0.1:5\n",
  });
});

Deno.test("sendReport() reports a missing reply with its reason, unless silence was expected", async () => {
  assertEquals((await printed([[outcome("silent")]])).err, "no reply from udp://t:1 in time\n");
  assertEquals((await printed([[outcome("refused")]])).err, "no reply: port closed at udp://t:1\n");
  assertEquals((await printed([[outcome("silent")], [outcome("one-way")]], { isSilenceExpected: true })).err, "");
  assertEquals(
    (await printed([[outcome("refused")]], { isSilenceExpected: true })).err,
    "no reply: port closed at udp://t:1\n",
  );
  const unexpectedSenders = new Map([["udp://a:1", 2], ["udp://b:2", 1]]);
  assertEquals(
    (await printed([[outcome("silent")]], { unexpectedSenders })).err,
    "no reply from udp://t:1 in time, but a reply came from udp://a:1, udp://b:2\n",
  );
});

Deno.test("sendReport() numbers datagrams if there are several, and lists at most ten without a reply", async () => {
  assertEquals((await printed([[outcome("answered"), "wrong"]])).err, "wrong\n");
  assertEquals((await printed([[outcome("answered"), "wrong"]], { count: 2 })).err, "datagram 3: wrong\n");
  assertEquals(
    (await printed([[outcome("refused")]], { count: 2 })).err,
    "no reply to datagram 3: port closed at udp://t:1\n",
  );
  const silent = Array.from({ length: 11 }, () => [outcome("silent")] as const);
  assertEquals(
    (await printed(silent, { count: 20 })).err,
    "no reply to datagram 3 from udp://t:1 in time\n".repeat(10),
  );
});

/** A summary of 4 datagrams: 3 answered, 1 lost. */
function summaryOf(rest: Partial<ExchangeSummary> = {}): ExchangeSummary {
  const summary = new ExchangeSummary();
  for (const ms of [1, 2, 3.00049]) summary.add(outcome("answered", { elapsedMs: ms }));
  summary.add(outcome("silent"));
  return Object.assign(summary, rest);
}

Deno.test("sendReport() ends with a summary, unless there was one datagram", async () => {
  assertEquals((await printed([], { summary: summaryOf() })).err, "");
  const few = "4 sent, 3 answered, 1 lost (25%)";
  const rest = "\nno reply to 3\nmin/avg/p99/max 1/2/3/3 ms\n";
  assertEquals((await printed([], { count: 4, summary: summaryOf() })).err, few + rest);
  const unexpectedSenders = new Map([["udp://a:1", 2], ["udp://b:2", 1]]);
  assertEquals(
    (await printed([], { count: 4, summary: summaryOf({ retries: 5, unmatched: 6, unexpectedSenders }) })).err,
    `${few}, 5 retries, 6 late or repeated replies, 3 from udp://a:1, udp://b:2${rest}`,
  );
  const oneWay = new ExchangeSummary();
  oneWay.add(outcome("one-way"));
  assertEquals((await printed([], { count: 4, summary: oneWay })).err, "1 sent\n");
  const lost = new ExchangeSummary();
  lost.add(outcome("silent"));
  assertEquals(
    (await printed([], { count: 4, summary: lost })).err,
    "1 sent, 0 answered, 1 lost (100%)\nno reply to 3\n",
  );
});

Deno.test("sendReport() has the same as JSON", async () => {
  const okOf = async (status: ExchangeOutcome["status"], isSilenceExpected: boolean, fault?: string) =>
    JSON.parse((await printed([[outcome(status), fault]], { isJson: true, isSilenceExpected })).out).ok;
  assertEquals([await okOf("answered", false), await okOf("answered", false, "wrong"), await okOf("one-way", false)], [
    true,
    false,
    true,
  ]);
  assertEquals([await okOf("silent", false), await okOf("silent", true)], [false, true]);
  assertEquals([await okOf("refused", false), await okOf("refused", true)], [false, false]);
  const replies = [reply("a", null, true)];
  const lines = await printed([[outcome("answered", { replies, elapsedMs: 1.23456 })]], {
    isJson: true,
    summary: summaryOf(),
  });
  const [line, end] = lines.out.trim().split("\n").map((text) => JSON.parse(text));
  assertEquals(line, {
    ...{ seq: 3, ok: true, status: "answered", tries: 1, elapsedMs: 1.235 },
    replies: [{ from: null, size: 1, isTruncated: true, text: "a" }],
  });
  assertEquals(end, {
    ...{ ok: false, exitCode: 5, target: "udp://t:1", sent: 4, answered: 3, lost: 1, refused: 0, retries: 0 },
    ...{ unmatched: 0, unexpectedSenders: {}, lostSeqs: [3], elapsedMs: { min: 1, avg: 2, p99: 3, max: 3 } },
  });
});

Deno.test("sendReport() lists the datagrams without a reply by number", async () => {
  const summary = new ExchangeSummary();
  for (const seq of [10, 2, 9]) summary.add(outcome("silent", { seq }));
  const [line = ""] = (await printed([], { count: 10, isJson: true, summary })).out.trimEnd().split("\n").slice(-1);
  assertEquals(JSON.parse(line).lostSeqs, [2, 9, 10]);
  assertEquals(
    (await printed([], { count: 10, summary })).err,
    "3 sent, 0 answered, 3 lost (100%)\nno reply to 2, 9-10\n",
  );
});
