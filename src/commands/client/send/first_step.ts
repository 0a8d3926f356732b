import { parseHex } from "../../../base/bytes.ts";
import { orUsageError, UsageError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { type ProgramIo, readToEnd } from "../../../cli/io.ts";
import { abortable } from "../../../net/wait.ts";
import { send, type Step } from "../../../script/steps.ts";
import { readNamedBytes } from "../../../base/read_named_file.ts";
import { sendStep } from "./steps.ts";

/** Where the first DATA comes from. */
interface FirstStepOptions {
  /** DATA as typed. */
  readonly data: string | undefined;
  readonly file: string | undefined;
  readonly isHex: boolean;
  readonly isLiteral: boolean;
  /** WebSocket message type; by default text, or binary for hexadecimal and files. */
  readonly isText: boolean | undefined;
  /** Time limit for the end of standard input, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The step that sends DATA, the file, or standard input unless it is a terminal.
 *
 * @throws {UsageError} There are two sources, the data is not hexadecimal, or the input does not end.
 */
export async function firstStep(
  options: FirstStepOptions,
  io: ProgramIo,
  signal: AbortSignal,
): Promise<Step | undefined> {
  const { data, file } = options;
  if (data !== undefined && file !== undefined) throw new UsageError("DATA and --file cannot be combined");
  if (file !== undefined) return bytesStep(await readNamedBytes(file, "what to send:"), options, false);
  // A framing would send an empty message.
  if (data === "") return undefined;
  if (data !== undefined) return orUsageError(() => sendStep(data, options));
  if (io.stdin.isTerminal) return undefined;
  return bytesStep(await readInput(options.timeoutMs, io, signal), options, !options.isHex);
}

function bytesStep(
  bytes: Uint8Array,
  { isHex, isText }: Pick<FirstStepOptions, "isHex" | "isText">,
  isTextByDefault: boolean,
): Step | undefined {
  if (bytes.length === 0) return undefined;
  const data = isHex ? parseHex(new TextDecoder().decode(bytes)) : bytes;
  return send(data, { isText: isText ?? isTextByDefault });
}

async function readInput(timeoutMs: number, io: ProgramIo, signal: AbortSignal): Promise<Uint8Array> {
  const late = () =>
    new UsageError(
      `standard input did not end within ${formatDuration(timeoutMs)}; use '' as DATA to send nothing`,
    );
  return await abortable(readToEnd(io.stdin), { signal, timeout: timeoutMs }, late);
}
