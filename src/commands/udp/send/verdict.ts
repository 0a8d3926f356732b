import { indexOfBytes, parseHex, preview, unescape, utf8 } from "../../../base/bytes.ts";
import { UsageError } from "../../../base/errors.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import type { ExchangeOutcome, ExchangeSummary } from "../../../datagram/exchange_summary.ts";
import type { SendFlags } from "./flags.ts";

/** What a reply must be like. */
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
