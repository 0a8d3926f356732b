import { utf8 } from "../base/bytes.ts";
import { codeOf, NoRoomError, UsageError } from "../base/errors.ts";
import { StopSignals } from "./stop_signals.ts";

/** A standard stream that is written to. */
export interface Output {
  /** Writes all of it before it returns. */
  write(data: string | Uint8Array): void;
  /** Writes all of it while other things go on: for data whose reader may take its time. */
  writeAsync(data: Uint8Array): Promise<void>;
  /** Whether people are looking. */
  readonly isTerminal: boolean;
  /** Width of the terminal in characters; 80 where there is none. */
  readonly columns: number;
}

/** Standard input. */
export interface Input {
  /** Reads into `bytes`; the count, or `null` at the end. */
  read(bytes: Uint8Array): Promise<number | null>;
  /** Key by key, without echo, or line by line. */
  setRaw(isRaw: boolean): void;
  /** Whether people are typing. */
  readonly isTerminal: boolean;
}

/** What a command sees of the world; a test gives a fake. */
export interface ProgramIo {
  readonly stdin: Input;
  /** Data. */
  readonly stdout: Output;
  /** Logs and errors. */
  readonly stderr: Output;
  /** Whether colours are welcome on a terminal (`NO_COLOR`, no-color.org). */
  readonly mayColor: boolean;
  /** SIGINT and SIGTERM. */
  readonly stop: StopSignals;
  /** Calls back whenever the terminal has changed its size, until disposed of; not on Windows. */
  onResize?(redraw: () => void): Disposable;
  /** Gives the right to read and write files back for good, where the program has it by being compiled with it. */
  giveBackFiles?(): Promise<void>;
  /** Gives the right to read the environment back, in the same way. */
  giveBackEnvironment?(): Promise<void>;
  /** Gives the right to run commands back, in the same way. */
  giveBackRun?(): Promise<void>;
  /** Gives the right to load the C library back, in the same way. */
  giveBackLibrary?(): Promise<void>;
}

/** The world as it is. */
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
    ...(Deno.build.standalone ? { giveBackFiles, giveBackEnvironment, giveBackRun, giveBackLibrary } : {}),
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

async function giveBackFiles(): Promise<void> {
  await Deno.permissions.revoke({ name: "read" });
  await Deno.permissions.revoke({ name: "write" });
}

async function giveBackEnvironment(): Promise<void> {
  await Deno.permissions.revoke({ name: "env" });
}

async function giveBackRun(): Promise<void> {
  await Deno.permissions.revoke({ name: "run" });
}

async function giveBackLibrary(): Promise<void> {
  await Deno.permissions.revoke({ name: "ffi" });
}

/** Which stream it was that had no room left. */
function withName(error: unknown, name: string): unknown {
  if (codeOf(error) !== "ENOSPC") return error;
  return new NoRoomError(`Cannot write to ${name}: no space left on device`, { cause: error });
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
      // A terminal that nobody has told its size says 0.
      return stream.isTerminal() ? Deno.consoleSize().columns || 80 : 80;
    },
  };
}
