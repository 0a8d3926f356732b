import { concat, formatHex, utf8 } from "../../base/bytes.ts";
import type { Output } from "../../cli/io.ts";
import { safeText } from "../../cli/safe_text.ts";
import type { Message } from "../../session/session.ts";

const LINE_END = utf8("\n");
const LF = 0x0a;

/** Prints received data: unchanged to a pipe, escaped on a terminal. */
export class ReplyPrinter {
  readonly #output: Output;
  readonly #options: { isHex: boolean; isByLine: boolean };
  readonly #decoder = new TextDecoder();
  #isAtLineStart = true;

  constructor(output: Output, options: { isHex: boolean; isByLine: boolean }) {
    this.#output = output;
    this.#options = options;
  }

  /** Formats a message. */
  render({ data }: Message): Uint8Array {
    const { isHex, isByLine } = this.#options;
    if (isHex) return utf8(`${formatHex(data)}\n`);
    const body = this.#output.isTerminal ? utf8(safeText(this.#decoder.decode(data, { stream: !isByLine }))) : data;
    return isByLine ? concat([body, LINE_END]) : body;
  }

  /** Prints a message. */
  async print(message: Message): Promise<void> {
    const bytes = this.render(message);
    if (bytes.length > 0) this.#isAtLineStart = bytes.at(-1) === LF;
    await this.#output.writeAsync(bytes);
  }

  /** Ends the last line on a terminal, so that the shell prompt starts on a new line. */
  end(): void {
    if (this.#output.isTerminal && !this.#isAtLineStart) this.#output.write("\n");
  }
}
