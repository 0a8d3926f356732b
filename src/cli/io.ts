import { ByteBuilder } from "../base/byte_builder.ts";
import { utf8 } from "../base/bytes.ts";
import { codeOf, OutOfResourcesError, UsageError } from "../base/errors.ts";
import { StopSignals } from "./stop_signals.ts";

/** A standard output stream. */
export interface Output {
  /** Writes everything synchronously: a slow reader blocks the program, so `print()` is for standard output. */
  write(data: string | Uint8Array): void;
  /** Writes everything asynchronously, after what earlier calls write. */
  writeAsync(data: Uint8Array): Promise<void>;
  /** Whether it is a terminal. */
  readonly isTerminal: boolean;
  /** Width of the terminal in columns; 80 if it is not one. */
  readonly columns: number;
}

/** Standard input. */
export interface Input {
  /** Reads into `bytes`; returns the count, or `null` at the end. */
  read(bytes: Uint8Array): Promise<number | null>;
  /** Raw mode: key by key, without echo. */
  setRaw(isRaw: boolean): void;
  /** Whether it is a terminal. */
  readonly isTerminal: boolean;
}

/** A permission of the programs that some commands do not need. */
export type ProgramPermission = "read" | "write" | "env" | "run" | "ffi";

/** The environment of a command; tests pass a fake. */
export interface ProgramIo {
  readonly stdin: Input;
  /** Data. */
  readonly stdout: Output;
  /** Logs and errors. */
  readonly stderr: Output;
  /** Whether colors are enabled (`NO_COLOR`, no-color.org). */
  readonly mayColor: boolean;
  /** SIGINT and SIGTERM. */
  readonly stop: StopSignals;
  /** Calls back when the terminal is resized, until disposed of; not on Windows. */
  onResize?(redraw: () => void): Disposable;
  /** Drops permissions of a compiled program, which starts with all of these; absent if run from sources. */
  dropPermissions?(...names: readonly ProgramPermission[]): Promise<void>;
}

/** The real environment. */
export function systemIo(exit: (code: number) => never): ProgramIo {
  return {
    stdin: {
      read: readInput,
      setRaw: (isRaw) => Deno.stdin.setRaw(isRaw),
      isTerminal: Deno.stdin.isTerminal(),
    },
    stdout: outputOf(Deno.stdout),
    stderr: errorOutput(),
    mayColor: !Deno.noColor,
    stop: new StopSignals(exit),
    ...(Deno.build.os === "windows" ? {} : { onResize }),
    ...(Deno.build.standalone ? { dropPermissions } : {}),
  };
}

function onResize(redraw: () => void): Disposable {
  Deno.addSignalListener("SIGWINCH", redraw);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGWINCH", redraw) };
}

async function readInput(bytes: Uint8Array): Promise<number | null> {
  try {
    return await Deno.stdin.read(bytes);
  } catch (cause) {
    if (cause instanceof Deno.errors.IsADirectory) {
      throw new UsageError("Cannot read standard input: it is a directory", { cause });
    }
    if (codeOf(cause) === "EBADF") {
      throw new UsageError("Cannot read standard input: it is open for writing", { cause });
    }
    throw cause;
  }
}

/** Reads the input to its end, or until it exceeds `maxBytes`. */
export async function readToEnd(stdin: Input, maxBytes = Infinity): Promise<Uint8Array> {
  const builder = new ByteBuilder();
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await stdin.read(buffer); count !== null; count = await stdin.read(buffer)) {
    builder.append(buffer.subarray(0, count));
    if (builder.length > maxBytes) break;
  }
  return builder.take();
}

async function dropPermissions(...names: readonly ProgramPermission[]): Promise<void> {
  for (const name of names) await Deno.permissions.revoke({ name });
}

/** Pause before the next write to a non-blocking stream that is full. */
const FULL_MS = 2;
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** The bytes written: 0 if another program has made the stream non-blocking, and it is full. */
function orFull(error: unknown): number {
  if (error instanceof Deno.errors.WouldBlock) return 0;
  throw codeOf(error) === "ENOSPC"
    ? new OutOfResourcesError("Cannot write to standard output: no space left on device", { cause: error })
    : error;
}

function outputOf(stream: typeof Deno.stdout): Output {
  const writeSync = (data: Uint8Array) => {
    try {
      return stream.writeSync(data);
    } catch (error) {
      return orFull(error);
    }
  };
  const writeAll = async (data: Uint8Array) => {
    for (let rest = data; rest.length > 0;) {
      const count = await stream.write(rest).catch(orFull);
      if (count === 0) await new Promise((resolve) => setTimeout(resolve, FULL_MS));
      rest = rest.subarray(count);
    }
  };
  let last = Promise.resolve();
  return {
    write(data) {
      for (let rest = typeof data === "string" ? utf8(data) : data; rest.length > 0;) {
        const count = writeSync(rest);
        if (count === 0) Atomics.wait(NEVER, 0, 0, FULL_MS);
        rest = rest.subarray(count);
      }
    },
    writeAsync(data) {
      const write = () => writeAll(data);
      return last = last.then(write, write);
    },
    isTerminal: stream.isTerminal(),
    get columns() {
      // A terminal of unknown size reports 0.
      return stream.isTerminal() ? Deno.consoleSize().columns || 80 : 80;
    },
  };
}

/** If standard error is closed or full there is nowhere to report it; it changes neither the work nor the exit code. */
function errorOutput(): Output {
  const output = outputOf(Deno.stderr);
  return {
    write(data) {
      try {
        output.write(data);
      } catch {
        // Nowhere to report it.
      }
    },
    writeAsync: (data) => output.writeAsync(data).catch(() => {}),
    isTerminal: output.isTerminal,
    get columns() {
      return output.columns;
    },
  };
}
