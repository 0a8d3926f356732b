/**
 * Exit codes, a stable interface for scripts.
 *
 * @module
 */

import {
  BindError,
  ClosedEarlyError,
  ClosedError,
  messageOf,
  OutOfResourcesError,
  ParleyError,
  PermissionError,
  RefusedError,
  ResetError,
  ResolveError,
  TimeoutError,
  TlsError,
  UsageError,
} from "../base/errors.ts";
import { isOutOfResources } from "../base/system_error.ts";

/** Meaning of each exit code; the man pages print this table, and `help exit-codes` explains it. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: "done",
  1: "the reply was not the expected one, or a check failed",
  2: "wrong usage or configuration",
  3: "the name could not be resolved",
  4: "refused or unreachable",
  5: "timed out",
  6: "TLS failed",
  7: "reset or closed early",
  8: "not permitted, address in use, or out of resources (open files, disk)",
  130: "ended by SIGINT (141: by a closed pipe, 143: by SIGTERM)",
};

/** Numbers of {@linkcode EXIT_CODES} by name. */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  unresolved: 3,
  refused: 4,
  timedOut: 5,
  tls: 6,
  reset: 7,
  notPermitted: 8,
  interrupted: 130,
  brokenPipe: 141,
  terminated: 143,
} as const;

const STOPPED_CODES: Readonly<Partial<Record<Deno.Signal, number>>> = {
  SIGTERM: EXIT.terminated,
  SIGHUP: 129,
  SIGQUIT: 131,
};

/** A signal ended the program. */
export class StoppedError extends Error {
  override name = "StoppedError";
  /** 128 + N for signal N, such as 130 for SIGINT and 143 for SIGTERM. */
  readonly exitCode: number;
  readonly signal: Deno.Signal;

  /** Creates an error for a signal. */
  constructor(signal: Deno.Signal) {
    super(`stopped by ${signal}`);
    this.signal = signal;
    this.exitCode = STOPPED_CODES[signal] ?? EXIT.interrupted;
  }
}

/** An error serialized for another thread. */
export interface PlainFailure {
  readonly name: string;
  readonly message: string;
  readonly endpoint: string | undefined;
  readonly exitCode: number;
}

/** Serializes an error for another thread. */
export function plainFailure(error: unknown): PlainFailure {
  return {
    name: error instanceof Error ? error.name : "Error",
    message: messageOf(error),
    endpoint: error instanceof ParleyError ? error.endpoint : undefined,
    exitCode: exitCodeOf(error),
  };
}

/** An error of another thread: its class is lost, but its name and exit code are kept. */
export class WorkerError extends ParleyError {
  override name: string;
  readonly exitCode: number;

  /** Deserializes an error. */
  constructor({ name, message, endpoint, exitCode }: PlainFailure) {
    super(message, { endpoint });
    this.name = name;
    this.exitCode = exitCode;
  }
}

/** The exit code of a run with several failures: the one that all have in common, or else 1. */
export function commonExitCode(codes: Iterable<number>): number {
  const [first = EXIT.unexpected, ...others] = new Set(codes);
  return others.length > 0 ? EXIT.unexpected : first;
}

/** The exit code of an error that ended a program. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof StoppedError || error instanceof WorkerError) return error.exitCode;
  if (error instanceof UsageError || error instanceof SyntaxError || error instanceof RangeError) return EXIT.usage;
  if (error instanceof ResolveError) return EXIT.unresolved;
  if (error instanceof RefusedError) return EXIT.refused;
  if (error instanceof TimeoutError) return EXIT.timedOut;
  if (error instanceof TlsError) return EXIT.tls;
  if (error instanceof ResetError || error instanceof ClosedEarlyError || error instanceof ClosedError) {
    return EXIT.reset;
  }
  if (
    error instanceof BindError || error instanceof PermissionError || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable || error instanceof OutOfResourcesError || isOutOfResources(error)
  ) return EXIT.notPermitted;
  if (error instanceof Deno.errors.BrokenPipe) return EXIT.brokenPipe;
  return EXIT.unexpected;
}
