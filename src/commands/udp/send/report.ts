import { escapeControls, toJsonLine } from "../../../base/bytes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { type ExchangeOutcome, type ExchangeSummary, formatRanges } from "../../../datagram/exchange_summary.ts";
import { contentOf } from "../../../datagram/recording.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";

/** Reports the results of `parley-udp send`. */
export interface SendReport {
  /** Called with each result. */
  outcome(outcome: ExchangeOutcome, fault: string | undefined): void;
  /** Called at the end. */
  end(summary: ExchangeSummary, exitCode: number): void;
}

/** Maximum datagrams without a reply that get a line of their own. */
const MAX_LINES = 10;

/** How to report. */
export interface SendReportOptions {
  readonly isJson: boolean;
  /** Number of datagrams; a single one is not numbered. */
  readonly count: number;
  /** Whether silence is the expected result. */
  readonly isSilenceExpected: boolean;
  /** Senders of datagrams that are not replies of the target. */
  readonly unexpectedSenders: ReadonlyMap<string, number>;
}

/** Replies on standard output and the rest on standard error; or JSON objects on standard output. */
export function sendReport(target: string, options: SendReportOptions, io: ProgramIo): SendReport {
  return options.isJson ? jsonReport(target, options, io) : textReport(target, options, io);
}

function textReport(
  target: string,
  { count, isSilenceExpected, unexpectedSenders }: SendReportOptions,
  io: ProgramIo,
): SendReport {
  let lines = 0;
  return {
    outcome({ replies, seq, status }, fault) {
      for (const { data, isTruncated, from } of replies) {
        io.stdout.write(data);
        if (data.at(-1) !== 0x0a) io.stdout.write("\n");
        if (isTruncated) {
          io.stderr.write(
            `truncated reply from ${from ? escapeControls(formatEndpoint(from)) : "an unnamed socket"}\n`,
          );
        }
      }
      if (fault !== undefined) io.stderr.write(`${count === 1 ? "" : `datagram ${seq}: `}${fault}\n`);
      if (status === "answered" || status === "one-way" || status === "silent" && isSilenceExpected) return;
      // The summary lists them all.
      if (++lines > MAX_LINES) return;
      const which = count === 1 ? "" : ` to datagram ${seq}`;
      io.stderr.write(
        status === "refused"
          ? `no reply${which}: port closed at ${target}\n`
          : `no reply${which} from ${target} in time${othersOf(unexpectedSenders)}\n`,
      );
    },
    end(summary) {
      if (count === 1) return;
      const { sent, answered, lost, retries, unmatched, unexpectedSenders } = summary;
      const unexpected = unexpectedSenders.values().reduce((sum, number) => sum + number, 0);
      const extra = [
        retries > 0 ? `${retries} retries` : "",
        unmatched > 0 ? `${unmatched} late or repeated replies` : "",
        unexpected > 0 ? `${unexpected} from ${escapeControls([...unexpectedSenders.keys()].join(", "))}` : "",
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
  const print = (value: object) => io.stdout.write(toJsonLine(value));
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
      const { sent, answered, lost, refused, retries, unmatched } = summary;
      const unexpectedSenders = Object.fromEntries(summary.unexpectedSenders);
      const times = summary.times();
      const elapsedMs = times && Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, round(ms, 3)]));
      const counts = { sent, answered, lost: lost.length, refused, retries, unmatched, unexpectedSenders };
      print({ ok: exitCode === 0, exitCode, target, ...counts, lostSeqs: lost.toSorted((a, b) => a - b), elapsedMs });
    },
  };
}

/** A server with several addresses may reply from another one than it was asked at. */
function othersOf(senders: ReadonlyMap<string, number>): string {
  return senders.size === 0 ? "" : `, but a reply came from ${escapeControls([...senders.keys()].join(", "))}`;
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
