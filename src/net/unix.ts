import { BindError } from "../base/errors.ts";

/** Mode of a socket file: owner only. */
export const SOCKET_MODE = 0o600;

/** Whether a process serves the socket file. */
type LivenessProbe = (path: string) => Promise<boolean>;

/**
 * Frees the path for a socket: removes a stale socket file, after the probe has shown that no process serves it.
 *
 * @throws {BindError} A process serves it, or the file is not a socket.
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
    throw new BindError("in use", `Cannot listen on ${endpoint}: address already in use by another process`, {
      endpoint,
    });
  }
  await Deno.remove(path);
}

/** Whether the stream socket accepts connections. */
export async function isStreamSocketLive(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether the path is the name of an abstract socket, which has no file (unix(7)). */
export function isAbstract(path: string): boolean {
  return path.startsWith("@");
}

/** The path as the kernel expects it: an abstract name begins with NUL. */
export function kernelPath(path: string): string {
  return isAbstract(path) ? `\0${path.slice(1)}` : path;
}

/** Sets the file's mode if the system has modes. */
export async function restrictSocket(path: string, mode: number): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, mode);
}

/**
 * The file of a socket. The runtime removes whatever is at its path when it drops the socket: as it is closed, or if a
 * call waits, once that has failed. So the file of a newer server is moved aside until then.
 */
export class SocketFile {
  readonly #path: string;
  /** Detects a file that has replaced it. */
  readonly #id: number | null;
  #waiting = 0;
  #aside: string | undefined;

  /** The socket at this path was just bound. */
  constructor(path: string) {
    this.#path = path;
    this.#id = Deno.lstatSync(path).ino;
  }

  /** Every call that waits on the socket. */
  async during<T>(call: Promise<T>): Promise<T> {
    this.#waiting++;
    try {
      return await call;
    } finally {
      this.#waiting--;
      this.#moveBack();
    }
  }

  /** Closes the socket and removes its file. */
  close(closeSocket: () => void): void {
    this.#aside = isOwnFile(this.#path, this.#id) ? undefined : moveAside(this.#path);
    closeSocket();
    if (this.#aside === undefined) removeSocket(this.#path);
    else this.#moveBack();
  }

  #moveBack(): void {
    if (this.#aside === undefined || this.#waiting > 0) return;
    Deno.renameSync(this.#aside, this.#path);
    this.#aside = undefined;
  }
}

function isOwnFile(path: string, fileId: number | null): boolean {
  try {
    return Deno.lstatSync(path).ino === fileId;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** The temporary path, or `undefined` if the sandbox allows writing only the path itself. */
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

/** Removes the file, if it still exists. */
export function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
