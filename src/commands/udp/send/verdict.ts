import { parseHex, preview, unescape, utf8 } from "../../../base/bytes.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import type { ExchangeOutcome } from "../../../datagram/exchange.ts";
import type { ExchangeSummary } from "../../../datagram/exchange_summary.ts";
import { type Expectation, expectBytes, expectRegex } from "../../../datagram/expectation.ts";
import type { SendFlags } from "./flags.ts";

/** Judges what comes of the datagrams by the `--expect` flags. */
export class Verdict {
  readonly #expectations: readonly Expectation[];
  readonly #isSilenceExpected: boolean;
  #unexpected = 0;

  /** @throws {SyntaxError} A flag cannot be read. */
  constructor(flags: SendFlags) {
    this.#expectations = [
      ...flags.expect === undefined ? [] : [expectBytes(flags.literal ? utf8(flags.expect) : unescape(flags.expect))],
      ...flags.expectRegex === undefined ? [] : [expectRegex(flags.expectRegex)],
      ...flags.expectBytes === undefined ? [] : [expectBytes(parseHex(flags.expectBytes))],
    ];
    this.#isSilenceExpected = flags.expectSilence !== undefined;
  }

  /** Why the outcome is not as expected, or `undefined` where it is, or where nothing came. */
  judge({ status, replies }: ExchangeOutcome): string | undefined {
    if (status !== "answered") return undefined;
    const came = replies.map(({ data }) => `"${preview(data)}"`).join(", ");
    const missing = this.#expectations.find((expected) => !replies.some(({ data }) => expected.isMetBy(data)));
    const fault = this.#isSilenceExpected
      ? `silence was expected, but ${came} came`
      : missing && `expected ${missing.name}, but ${came} came`;
    if (fault !== undefined) this.#unexpected++;
    return fault;
  }

  /** What all of it comes to. */
  exitCode({ lost, refused }: ExchangeSummary): number {
    if (this.#unexpected > 0) return EXIT.unexpected;
    const silent = lost.length - refused;
    if (silent > 0 && !this.#isSilenceExpected) return EXIT.timedOut;
    return refused > 0 ? EXIT.refused : EXIT.done;
  }
}
