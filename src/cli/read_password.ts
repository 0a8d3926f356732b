import { UsageError } from "../base/errors.ts";
import type { ProgramIo } from "./io.ts";
import { StoppedError } from "./exit_codes.ts";

const MAX_BYTES = 1_024;
const ENTER = 0x0d;
const LINE_FEED = 0x0a;
const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_U = 0x15;
const BACKSPACE = 0x08;
const DELETE = 0x7f;

/**
 * Reads a password from standard input: with a prompt and without echo on a terminal, otherwise the first line.
 *
 * @throws {UsageError} The password is empty, too long or not UTF-8.
 * @throws {StoppedError} Ctrl-C.
 */
export async function readPassword({ stdin, stderr, stop }: ProgramIo, prompt: string): Promise<string> {
  if (!stdin.isTerminal) return checked(await readLine(stdin));
  const restore = () => {
    stdin.setRaw(false);
    stderr.write("\n");
  };
  using owner = new DisposableStack();
  owner.use(stop.restoreBeforeExit(restore));
  owner.defer(restore);
  stderr.write(prompt);
  stdin.setRaw(true);
  return checked(await readLine(stdin));
}

/** Byte by byte, so that type-ahead is left for a second prompt. */
async function readLine(stdin: ProgramIo["stdin"]): Promise<number[]> {
  const line: number[] = [];
  const byte = new Uint8Array(1);
  while (line.length <= MAX_BYTES) {
    if (await stdin.read(byte) === null) return line;
    const [key = 0] = byte;
    if (key === LINE_FEED || stdin.isTerminal && (key === ENTER || key === CTRL_D)) return line;
    if (!stdin.isTerminal) line.push(key);
    else if (key === CTRL_C) throw new StoppedError("SIGINT");
    else if (key === CTRL_U) line.length = 0;
    else if (key === BACKSPACE || key === DELETE) dropLastCharacter(line);
    else line.push(key);
  }
  return line;
}

/** Removes the last character, including its continuation bytes (RFC 3629, section 3). */
function dropLastCharacter(line: number[]): void {
  for (let byte = line.pop(); byte !== undefined && (byte & 0xc0) === 0x80; byte = line.pop());
}

function checked(line: readonly number[]): string {
  if (line.length > MAX_BYTES) throw new UsageError(`the password is longer than ${MAX_BYTES} bytes`);
  const bytes = Uint8Array.from(line.at(-1) === ENTER ? line.slice(0, -1) : line);
  if (bytes.length === 0) throw new UsageError("the password is empty");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError("the password is not UTF-8", { cause });
  }
}
