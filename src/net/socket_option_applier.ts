import { messageOf } from "../base/errors.ts";
import type { Logger } from "../log/logger.ts";
import {
  openSocketOptions,
  type OptionSocket,
  type SocketOptionsAccess,
  type SocketOptionValues,
} from "./socket_options.ts";

/** A socket that can be told what was set. */
export type LoggedSocket = OptionSocket & { readonly log: Logger };

/** Sets the same options on each socket of a listener, or on one socket. */
export class SocketOptionApplier implements Disposable {
  readonly #values: SocketOptionValues;
  readonly #access: SocketOptionsAccess;

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
   * Sets the options; the log says, at level `trace`, what the kernel made of them.
   *
   * @throws {ParleyError} The kernel refuses a value.
   */
  apply(socket: LoggedSocket): void {
    this.#access.set(socket, this.#values);
    if (socket.log.isEnabled("trace")) {
      socket.log.trace("socket options", { options: this.#access.get(socket) });
    }
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
