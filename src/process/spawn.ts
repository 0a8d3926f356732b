import { missingPermission, OutOfResourcesError, PermissionError, UsageError } from "../base/errors.ts";

/**
 * Asks for the permission to run a program before work that would be in vain without it.
 *
 * @throws {PermissionError} It is not granted.
 */
export function requestRun(program: string): void {
  if (Deno.permissions.requestSync({ name: "run", command: program }).state === "granted") return;
  throw new PermissionError(cannotRun(program, missingPermission(`--allow-run=${program}`)));
}

/**
 * Starts a command, with errors that name it.
 *
 * @throws {UsageError} The command does not exist or cannot be executed.
 */
export function spawn(words: readonly string[], options: Deno.CommandOptions): Deno.ChildProcess {
  const [program = "", ...args] = words;
  const cannot = (reason: string) => cannotRun(program, reason);
  try {
    return new Deno.Command(program, { ...options, args }).spawn();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw new UsageError(cannot("no such command"), { cause });
    if (cause instanceof Deno.errors.NotCapable) {
      throw new PermissionError(cannot(missingPermission(`--allow-run=${program}`)), { cause });
    }
    if (cause instanceof Deno.errors.PermissionDenied) throw new UsageError(cannot("it is not executable"), { cause });
    if (cause instanceof Error && /EAGAIN|ENOMEM|EMFILE/.test(String(cause))) {
      throw new OutOfResourcesError(cannot("out of resources"), { cause });
    }
    throw cause;
  }
}

/** The message for a program that cannot run. */
export function cannotRun(program: string, reason: string): string {
  return `Cannot run "${program}": ${reason}`;
}

const hasJobControl = Deno.build.os !== "windows";

/** Lets a command continue that is stopped; only then does it handle other signals than SIGKILL. */
export function resume(command: { kill(signal: Deno.Signal): void }): void {
  if (hasJobControl) sendSignal(() => command.kill("SIGCONT"));
}

/** Calls back when this program continues after a stop, as by `fg` of a shell, until disposed of. */
export function onContinue(callback: () => void): Disposable {
  const owner = new DisposableStack();
  if (!hasJobControl) return owner;
  Deno.addSignalListener("SIGCONT", callback);
  owner.defer(() => Deno.removeSignalListener("SIGCONT", callback));
  return owner;
}

/** Sends a signal to a command that may have ended; `false` if the command has become another user, such as sudo. */
export function sendSignal(kill: () => void): boolean {
  try {
    kill();
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return false;
    // TypeError: the command has ended.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}
