import { ByteBuilder } from "../base/byte_builder.ts";
import { utf8 } from "../base/bytes.ts";
import { codeOf, OutOfResourcesError, UsageError } from "../base/errors.ts";
import { StopSignals } from "./stop_signals.ts";

/** A standard output stream. */
export interface Output {
  /** Writes everything synchronously. */
  write(data: string | Uint8Array): void;
  /** Writes everything asynchronously, for data whose reader may be slow. */
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
    stdout: outputOf(Deno.stdout, "standard output"),
    stderr: outputOf(Deno.stderr, "standard error"),
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
    if (!(cause instanceof Deno.errors.IsADirectory)) throw cause;
    throw new UsageError("Cannot read standard input: it is a directory", { cause });
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

/** Names the stream in errors about a full disk. */
function withName(error: unknown, name: string): unknown {
  if (codeOf(error) !== "ENOSPC") return error;
  return new OutOfResourcesError(`Cannot write to ${name}: no space left on device`, { cause: error });
}

function outputOf(stream: typeof Deno.stdout, name: string): Output {
  return {
    write(data) {
      let rest = typeof data === "string" ? utf8(data) : data;
      try {
        while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
      } catch (error) {
        throw withName(error, name);
      }
    },
    async writeAsync(data) {
      let rest = data;
      try {
        while (rest.length > 0) rest = rest.subarray(await stream.write(rest));
      } catch (error) {
        throw withName(error, name);
      }
    },
    isTerminal: stream.isTerminal(),
    get columns() {
      // A terminal of unknown size reports 0.
      return stream.isTerminal() ? Deno.consoleSize().columns || 80 : 80;
    },
  };
}
