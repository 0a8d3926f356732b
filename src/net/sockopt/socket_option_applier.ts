import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import {
  openSocketOptions,
  type OptionSocket,
  type SocketOptionsAccess,
  type SocketOptionValues,
} from "./socket_options.ts";

/** A socket with a logger. */
export type LoggedSocket = OptionSocket & { readonly log: Logger };

/** Sets the same options on all connections of a listener, or on one socket. */
export class SocketOptionApplier implements Disposable {
  readonly #values: SocketOptionValues;
  readonly #access: SocketOptionsAccess;
  #hasCheckedBuffers = false;

  /**
   * Opens the C library immediately, so that a missing permission is reported before anything is served.
   *
   * @throws {PermissionError} `--allow-ffi` is missing.
   */
  constructor(values: SocketOptionValues) {
    this.#values = values;
    this.#access = openSocketOptions();
  }

  /**
   * Sets the options. Logs one warning if the kernel grants a smaller buffer than requested, and at level `trace` the
   * effective options.
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

  /** Like {@linkcode apply}, for a connection that is served even if the kernel rejects an option. */
  tryApply(socket: LoggedSocket): void {
    try {
      this.apply(socket);
    } catch (error) {
      socket.log.warning("socket options were not set", { error: messageOf(error) });
    }
  }

  /** Closes the C library. */
  [Symbol.dispose](): void {
    this.#access[Symbol.dispose]();
  }
}

/** Linux silently caps the size at its limit, and reports twice the size, socket(7). */
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
