import { roundTo } from "../../../base/units.ts";
import {
  concat,
  escapeControls,
  indexOfBytes,
  parseHex,
  preview,
  textOrHex,
  toJsonLine,
  unescape,
  utf8,
} from "../../../base/bytes.ts";
import { UsageError } from "../../../base/errors.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { print } from "../../../cli/print.ts";
import { type ExchangeOutcome, type ExchangeSummary, formatRanges } from "../../../datagram/exchange_summary.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import type { SendFlags } from "./flags.ts";

/** The expected reply. */
interface Expectation {
  /** For messages: `"pong"`, `/^OK/`. */
  readonly name: string;
  isMetBy(data: Uint8Array): boolean;
}

/** Evaluates the results by the `--expect` flags. */
export class Verdict {
  readonly #expectations: readonly Expectation[];
  readonly #isSilenceExpected: boolean;
  #unexpected = 0;

  /** @throws {SyntaxError} A flag cannot be parsed. */
  constructor(flags: SendFlags) {
    this.#expectations = [
      ...flags.expect === undefined
        ? []
        : [expectBytes("--expect", flags.literal ? utf8(flags.expect) : unescape(flags.expect))],
      ...flags.expectRegex === undefined ? [] : [expectRegex(flags.expectRegex)],
      ...flags.expectBytes === undefined ? [] : [expectBytes("--expect-bytes", parseHex(flags.expectBytes))],
    ];
    this.#isSilenceExpected = flags.expectSilence !== undefined;
    const hasExpectation = this.#expectations.length > 0 || this.#isSilenceExpected;
    if (flags.oneWay && hasExpectation) throw new UsageError("--one-way and --expect flags cannot be combined");
    if (this.#isSilenceExpected && this.#expectations.length > 0) {
      throw new UsageError("--expect-silence and other --expect flags cannot be combined");
    }
  }

  /** Why the result is not as expected, or `undefined` if it is or if there was no reply. */
  judge({ status, replies }: ExchangeOutcome): string | undefined {
    if (status !== "answered") return undefined;
    const received = replies.map(({ data }) => `"${preview(data)}"`).join(", ");
    const missing = this.#expectations.find((expected) => !replies.some(({ data }) => expected.isMetBy(data)));
    const fault = this.#isSilenceExpected
      ? `expected silence, received ${received}`
      : missing && `expected ${missing.name}, received ${received}`;
    if (fault !== undefined) this.#unexpected++;
    return fault;
  }

  /** The exit code for all results. */
  exitCode({ lost, refused }: ExchangeSummary): number {
    if (this.#unexpected > 0) return EXIT.unexpected;
    const silent = lost.length - refused;
    if (silent > 0 && !this.#isSilenceExpected) return EXIT.timedOut;
    return refused > 0 ? EXIT.refused : EXIT.done;
  }
}

function expectBytes(flag: string, wanted: Uint8Array): Expectation {
  if (wanted.length === 0) throw new UsageError(`${flag}: the expected bytes must not be empty`);
  return { name: `"${preview(wanted)}"`, isMetBy: (data) => indexOfBytes(data, wanted) !== -1 };
}

/** Matches the reply as UTF-8 text. */
function expectRegex(source: string): Expectation {
  const regex = new RegExp(source, "u");
  return { name: `/${source}/`, isMetBy: (data) => regex.test(new TextDecoder().decode(data)) };
}

/** Reports the results of `parley-udp send`. */
interface SendReport {
  /** Called with each result. */
  outcome(outcome: ExchangeOutcome, fault: string | undefined): Promise<void>;
  /** Called at the end. */
  end(summary: ExchangeSummary, exitCode: number): void | Promise<void>;
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
    async outcome({ replies, seq, status }, fault) {
      if (replies.length > 0) await print(io, concat(replies.flatMap(({ data }) => asLine(data))));
      for (const { isTruncated, from } of replies) {
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
      const percent = roundTo(summary.lossRatio * 100, 1);
      if (answered + lost.length === 0) return io.stderr.write(`${sent} sent\n`);
      io.stderr.write(`${sent} sent, ${answered} answered, ${lost.length} lost (${percent}%)${extra}\n`);
      if (lost.length > 0) io.stderr.write(`no reply to ${formatRanges(lost)}\n`);
      const times = summary.times();
      if (times === undefined) return;
      const { min, avg, p99, max } = times;
      io.stderr.write(`min/avg/p99/max ${[min, avg, p99, max].map((time) => roundTo(time, 3)).join("/")} ms\n`);
    },
  };
}

function asLine(data: Uint8Array): Uint8Array[] {
  return data.at(-1) === 0x0a ? [data] : [data, utf8("\n")];
}

function jsonReport(target: string, { isSilenceExpected }: SendReportOptions, io: ProgramIo): SendReport {
  return {
    async outcome({ seq, status, tries, elapsedMs, replies }, fault) {
      const result = {
        seq,
        ok: fault === undefined && status !== "refused" && (status !== "silent" || isSilenceExpected),
        status,
        fault,
        tries,
        elapsedMs: elapsedMs === undefined ? undefined : roundTo(elapsedMs, 3),
        replies: replies.map((reply) => ({
          from: reply.from && formatEndpoint(reply.from),
          size: reply.data.length,
          isTruncated: reply.isTruncated,
          ...textOrHex(reply.data),
        })),
      };
      await print(io, toJsonLine(result));
    },
    async end(summary, exitCode) {
      const { sent, answered, lost, refused, retries, unmatched } = summary;
      const unexpectedSenders = Object.fromEntries(summary.unexpectedSenders);
      const times = summary.times();
      const elapsedMs = times && Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, roundTo(ms, 3)]));
      const counts = { sent, answered, lost: lost.length, refused, retries, unmatched, unexpectedSenders };
      const lostSeqs = lost.toSorted((a, b) => a - b);
      await print(io, toJsonLine({ ok: exitCode === 0, exitCode, target, ...counts, lostSeqs, elapsedMs }));
    },
  };
}

/** A server with several addresses may reply from another than the request was sent to. */
function othersOf(senders: ReadonlyMap<string, number>): string {
  return senders.size === 0 ? "" : `, but a reply came from ${escapeControls([...senders.keys()].join(", "))}`;
}
