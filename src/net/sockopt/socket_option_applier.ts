import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import {
  openSocketOptions,
  type OptionSocket,
  type SocketOptionsAccess,
  type SocketOptionValues,
} from "./socket_options.ts";

/** A socket with a log for what was set. */
export type LoggedSocket = OptionSocket & { readonly log: Logger };

/** Sets the same options on each socket of a listener, or on one socket. */
export class SocketOptionApplier implements Disposable {
  readonly #values: SocketOptionValues;
  readonly #access: SocketOptionsAccess;
  #hasCheckedBuffers = false;

  /**
   * Opens the way to socket options at once, so that a missing permission is
   * found before anything is served.
   *
   * @throws {PermissionError} `--allow-ffi` is missing.
   */
  constructor(values: SocketOptionValues) {
    this.#values = values;
    this.#access = openSocketOptions();
  }

  /**
   * Sets the options. Logs a warning if the kernel grants a smaller buffer than
   * requested, once; at level `trace`, the options as the kernel has them.
   *
   * @throws {ParleyError} The kernel rejects a value.
   */
  apply(socket: LoggedSocket): void {
    this.#access.set(socket, this.#values);
    const { receiveBuffer, sendBuffer } = this.#values;
    const isBufferUnchecked = !this.#hasCheckedBuffers && (receiveBuffer !== undefined || sendBuffer !== undefined);
    if (!isBufferUnchecked && !socket.log.isEnabled("trace")) return;
    const options = this.#access.get(socket);
    socket.log.trace("socket options", { options });
    if (!isBufferUnchecked) return;
    this.#hasCheckedBuffers = true;
    warnIfSmaller(socket, "receive buffer", receiveBuffer, options.receiveBuffer, "net.core.rmem_max");
    warnIfSmaller(socket, "send buffer", sendBuffer, options.sendBuffer, "net.core.wmem_max");
  }

  /** As {@linkcode apply}, for a connection that is served all the same when the kernel refuses. */
  tryApply(socket: LoggedSocket): void {
    try {
      this.apply(socket);
    } catch (error) {
      socket.log.warning("socket options were not set", { error: messageOf(error) });
    }
  }

  /** Closes the way. */
  [Symbol.dispose](): void {
    this.#access[Symbol.dispose]();
  }
}

/** Linux grants at most its limit without an error, and reports twice the size, socket(7). */
function warnIfSmaller(
  { log }: LoggedSocket,
  what: string,
  requested: number | undefined,
  reported: number | undefined,
  limit: string,
): void {
  if (requested === undefined || reported === undefined) return;
  const isLinux = Deno.build.os === "linux";
  const granted = isLinux ? reported / 2 : reported;
  if (granted < requested) {
    log.warning(`${what} is smaller than requested`, { requested, granted, ...isLinux && { limit } });
  }
}
