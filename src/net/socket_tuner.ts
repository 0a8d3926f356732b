import { messageOf } from "../base/errors.ts";
import type { Connection } from "./connection.ts";
import { openSocketOptions, type SocketOptionsAccess, type SocketOptionValues } from "./socket_options.ts";

/** Sets the same options on each socket of a listener, or on one connection. */
export class SocketTuner implements Disposable {
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
  apply(connection: Connection): void {
    this.#access.set(connection, this.#values);
    if (connection.log.isEnabled("trace")) {
      connection.log.trace("socket options", { options: this.#access.get(connection) });
    }
  }

  /** As {@linkcode apply}, for a connection that is served all the same when the kernel refuses. */
  tryApply(connection: Connection): void {
    try {
      this.apply(connection);
    } catch (error) {
      connection.log.warning("socket options were not set", { error: messageOf(error) });
    }
  }

  /** Closes the way. */
  [Symbol.dispose](): void {
    this.#access[Symbol.dispose]();
  }
}
