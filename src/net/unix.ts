import { BindError } from "../base/errors.ts";

/** Mode of a socket's file: its owner alone. */
export const SOCKET_MODE = 0o600;

/** Asks whether somebody serves the socket file: `true` or `false`. */
export type LivenessProbe = (path: string) => Promise<boolean>;

/**
 * Makes the path free for a socket: a file left over from a dead process is
 * removed, after the probe has shown that nobody is there.
 *
 * @throws {BindError} A live process has it, or what lies there is no socket.
 */
export async function clearStaleSocket(path: string, endpoint: string, probe: LivenessProbe): Promise<void> {
  let found: Deno.FileInfo;
  try {
    found = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (!found.isSocket) {
    throw new BindError("in use", `Cannot listen on ${endpoint}: the file exists and is not a socket`, { endpoint });
  }
  if (await probe(path)) {
    throw new BindError("in use", `Cannot listen on ${endpoint}: another process is listening there`, { endpoint });
  }
  await Deno.remove(path);
}

/** Whether a connection to the stream socket is accepted. */
export async function isStreamSocketLive(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Sets the file's mode, where the system has modes. */
export async function restrictSocket(path: string, mode: number): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, mode);
}

/** Tells the file of a socket from one that another process has put in its place. */
export function socketFileId(path: string): number | null {
  return Deno.lstatSync(path).ino;
}

/**
 * Closes a socket and removes its file. The runtime removes whatever lies at
 * the path: a file that is not the socket's own belongs to a newer server, and
 * is moved aside meanwhile.
 */
export function closeSocket(path: string, fileId: number | null, close: () => void): void {
  const aside = isOwnFile(path, fileId) ? undefined : moveAside(path);
  close();
  if (aside === undefined) removeSocket(path);
  else Deno.renameSync(aside, path);
}

function isOwnFile(path: string, fileId: number | null): boolean {
  try {
    return Deno.lstatSync(path).ino === fileId;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** The other path, or `undefined` if nothing but the path itself may be written. */
function moveAside(path: string): string | undefined {
  const aside = `${path}.${crypto.randomUUID()}`;
  try {
    Deno.renameSync(path, aside);
    return aside;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

/** Removes the file at the end; one that is gone already is as good. */
export function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
