import type { ProgramIo } from "../../../cli/io.ts";
import type { ExchangeOutcome } from "../../../datagram/exchange.ts";
import { type ExchangeSummary, formatRanges } from "../../../datagram/exchange_summary.ts";
import { contentOf } from "../../../datagram/recording.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";

/** Tells what comes of the datagrams of `parley-udp send`. */
export interface SendReport {
  /** As each datagram is done. */
  outcome(outcome: ExchangeOutcome, fault: string | undefined): void;
  /** At the end. */
  end(summary: ExchangeSummary, exitCode: number): void;
}

/** Datagrams without a reply that are told of as they come to be so. */
const MOST_TOLD = 10;

/** How to tell it. */
export interface SendReportOptions {
  readonly isJson: boolean;
  /** How many datagrams there are: of a single one no number is told. */
  readonly count: number;
  /** Whether no reply is as it should be. */
  readonly isSilenceExpected: boolean;
}

/** Replies on standard output and the rest on standard error; or JSON objects on standard output. */
export function sendReport(target: string, options: SendReportOptions, io: ProgramIo): SendReport {
  return options.isJson ? jsonReport(target, options, io) : textReport(target, options, io);
}

function textReport(target: string, { count, isSilenceExpected }: SendReportOptions, io: ProgramIo): SendReport {
  let told = 0;
  return {
    outcome({ replies, seq, status }, fault) {
      for (const { data, isTruncated, from } of replies) {
        io.stdout.write(data);
        if (data.at(-1) !== 0x0a) io.stdout.write("\n");
        if (isTruncated) io.stderr.write(`the reply from ${from ? formatEndpoint(from) : "?"} is truncated\n`);
      }
      if (fault !== undefined) io.stderr.write(`${count === 1 ? "" : `datagram ${seq}: `}${fault}\n`);
      if (status === "answered" || status === "one-way" || status === "silent" && isSilenceExpected) return;
      // The summary names them all.
      if (++told > MOST_TOLD) return;
      const which = count === 1 ? "" : ` to datagram ${seq}`;
      io.stderr.write(
        status === "refused"
          ? `no reply${which}: nobody is bound to ${target}\n`
          : `no reply${which} from ${target} in time\n`,
      );
    },
    end(summary) {
      if (count === 1) return;
      const { sent, answered, lost, retries, unmatched, strangers } = summary;
      const extra = [
        retries > 0 ? `${retries} tried again` : "",
        unmatched > 0 ? `${unmatched} late or repeated replies` : "",
        strangers > 0 ? `${strangers} from others` : "",
      ].filter(Boolean).map((part) => `, ${part}`).join("");
      const percent = round(summary.lossRatio * 100, 1);
      if (answered + lost.length === 0) return io.stderr.write(`${sent} sent\n`);
      io.stderr.write(`${sent} sent, ${answered} answered, ${lost.length} lost (${percent}%)${extra}\n`);
      if (lost.length > 0) io.stderr.write(`no reply to ${formatRanges(lost)}\n`);
      const times = summary.times();
      if (times === undefined) return;
      const { min, avg, p99, max } = times;
      io.stderr.write(`min/avg/p99/max ${[min, avg, p99, max].map((time) => round(time, 3)).join("/")} ms\n`);
    },
  };
}

function jsonReport(target: string, { isSilenceExpected }: SendReportOptions, io: ProgramIo): SendReport {
  const print = (value: object) => io.stdout.write(`${JSON.stringify(value)}\n`);
  return {
    outcome({ seq, status, tries, elapsedMs, replies }, fault) {
      print({
        seq,
        ok: fault === undefined && status !== "refused" && (status !== "silent" || isSilenceExpected),
        status,
        fault,
        tries,
        elapsedMs: elapsedMs === undefined ? undefined : round(elapsedMs, 3),
        replies: replies.map((reply) => ({
          from: reply.from && formatEndpoint(reply.from),
          size: reply.data.length,
          isTruncated: reply.isTruncated,
          ...contentOf(reply.data),
        })),
      });
    },
    end(summary, exitCode) {
      const { sent, answered, lost, refused, retries, unmatched, strangers } = summary;
      const times = summary.times();
      const elapsedMs = times && Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, round(ms, 3)]));
      const counts = { sent, answered, lost: lost.length, refused, retries, unmatched, strangers };
      print({ ok: exitCode === 0, exitCode, target, ...counts, lostSeqs: lost.toSorted((a, b) => a - b), elapsedMs });
    },
  };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
