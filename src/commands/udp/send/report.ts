import { formatHex } from "../../../base/bytes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import type { ExchangeOutcome } from "../../../datagram/exchange.ts";
import { type ExchangeSummary, formatRanges } from "../../../datagram/exchange_summary.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";

/** Tells what comes of the datagrams of `parley-udp send`. */
export interface SendReport {
  /** As each datagram is done. */
  outcome(outcome: ExchangeOutcome): void;
  /** At the end. */
  end(summary: ExchangeSummary, exitCode: number): void;
}

/** Replies on standard output and the rest on standard error; or JSON objects on standard output. */
export function sendReport(target: string, options: { isJson: boolean; count: number }, io: ProgramIo): SendReport {
  return options.isJson ? jsonReport(target, io) : textReport(target, options.count, io);
}

function textReport(target: string, count: number, io: ProgramIo): SendReport {
  return {
    outcome({ replies, seq, status }) {
      for (const { data, isTruncated, from } of replies) {
        io.stdout.write(data);
        if (data.at(-1) !== 0x0a) io.stdout.write("\n");
        if (isTruncated) io.stderr.write(`the reply from ${from ? formatEndpoint(from) : "?"} is truncated\n`);
      }
      if (status === "answered") return;
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
      io.stderr.write(`${sent} sent, ${answered} answered, ${lost.length} lost (${percent}%)${extra}\n`);
      if (lost.length > 0) io.stderr.write(`no reply to ${formatRanges(lost)}\n`);
      const times = summary.times();
      if (times === undefined) return;
      const { min, avg, p99, max } = times;
      io.stderr.write(`min/avg/p99/max ${[min, avg, p99, max].map((time) => round(time, 3)).join("/")} ms\n`);
    },
  };
}

function jsonReport(target: string, io: ProgramIo): SendReport {
  const print = (value: object) => io.stdout.write(`${JSON.stringify(value)}\n`);
  return {
    outcome({ seq, status, tries, elapsedMs, replies }) {
      print({
        seq,
        ok: status === "answered",
        status,
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

/** `text` where the bytes are UTF-8, `hex` where they are not. */
function contentOf(data: Uint8Array): { text: string } | { hex: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data) };
  } catch {
    // Not UTF-8.
    return { hex: formatHex(data) };
  }
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
