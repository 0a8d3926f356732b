import type { Connection } from "./connection.ts";

/** The right to use one connection of a pool, until it is released. */
export class PoolLease implements AsyncDisposable {
  /** The leased connection. */
  readonly connection: Connection;
  readonly #giveBack: (isReusable: boolean) => void;
  #isOver = false;

  /** Takes the connection and the function that returns it to the pool. */
  constructor(connection: Connection, giveBack: (isReusable: boolean) => void) {
    this.connection = connection;
    this.#giveBack = giveBack;
  }

  /** Returns the connection to the pool; a second call does nothing. */
  release(): void {
    this.#end(true);
  }

  /**
   * Closes the connection instead of reusing it, for example after an incomplete exchange whose reply may still arrive.
   */
  discard(): void {
    this.#end(false);
  }

  /** Releases it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  #end(isReusable: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#giveBack(isReusable);
  }
}
