import type { ProgramIo } from "../../src/cli/io.ts";
import { FakeIo } from "./fake_io.ts";

/** A terminal: the test types, and sees the rows that it shows. */
export class FakeTerminal extends FakeIo {
  /** Whether keys are read one by one, without echo. */
  isRaw = false;
  #typed: string[] = [];
  #wake = Promise.withResolvers<void>();

  /** A terminal of 80 columns without colours. */
  constructor() {
    super();
    Object.assign(this, { stdout: { ...this.stdout, isTerminal: true } });
  }

  override readonly stdin: ProgramIo["stdin"] = {
    read: async (bytes: Uint8Array) => {
      while (this.#typed.length === 0) {
        this.#wake = Promise.withResolvers();
        await this.#wake.promise;
      }
      return new TextEncoder().encodeInto(this.#typed.shift() ?? "", bytes).written;
    },
    setRaw: (isRaw: boolean) => {
      this.isRaw = isRaw;
    },
    isTerminal: true,
  };

  /** Presses keys. */
  type(keys: string): void {
    this.#typed.push(keys);
    this.#wake.resolve();
  }

  /** Waits until something that matches has been written. */
  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.out)) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** The rows that are shown now, as a terminal would make them of what was written. */
  rows(): string[] {
    const rows = [""];
    let row = 0;
    let column = 0;
    // deno-lint-ignore no-control-regex
    const shown = this.out.replaceAll(/\x1b\[\?\d+[hl]/g, "");
    // deno-lint-ignore no-control-regex
    for (const [, control, text] of shown.matchAll(/(\x1b\[\d*[A-Z]|\r|\n)|([^\x1b\r\n]+)/gi)) {
      const count = Number(/\d+/.exec(control ?? "")?.[0] ?? 1);
      if (text !== undefined) {
        const line = (rows[row] ?? "").padEnd(column);
        rows[row] = line.slice(0, column) + text + line.slice(column + text.length);
        column += text.length;
      } else if (control === "\r") column = 0;
      else if (control === "\n") rows[++row] ??= "";
      else if (control?.endsWith("A")) row = Math.max(0, row - count);
      else if (control?.endsWith("C")) column += count;
      else if (control?.endsWith("J")) rows.splice(row, Infinity, (rows[row] ?? "").slice(0, column));
    }
    return rows.map((line) => line.trimEnd());
  }
}
