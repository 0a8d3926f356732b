import type { Connection } from "./connection.ts";

/** The right to use one connection of a pool, until it is released. */
export class PoolLease implements AsyncDisposable {
  /** The connection that is lent. */
  readonly connection: Connection;
  readonly #giveBack: (isReusable: boolean) => void;
  #isOver = false;

  /** Made by the pool. */
  constructor(connection: Connection, giveBack: (isReusable: boolean) => void) {
    this.connection = connection;
    this.#giveBack = giveBack;
  }

  /** Gives the connection back for others to use; a second call does nothing. */
  release(): void {
    this.#end(true);
  }

  /** Gives it back to be closed: an exchange was broken off, and its answer may still come. */
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
