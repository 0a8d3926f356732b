import { ByteBuilder } from "../base/byte_builder.ts";
import type { Logger } from "../log/logger.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { SessionBase } from "./session_base.ts";

/** A session that owns a connection; what is queued in one turn leaves in one write. */
export abstract class ConnectionSession extends SessionBase {
  protected readonly connection: Connection;
  /** Messages that are encoded and have not been given to the connection. */
  protected readonly pending = new ByteBuilder();
  #isPendingDue = false;

  /** Takes ownership of the connection. */
  constructor(connection: Connection) {
    super();
    this.connection = connection;
  }

  get id(): number {
    return this.connection.id;
  }

  get remote(): Endpoint {
    return this.connection.remote;
  }

  get local(): Endpoint {
    return this.connection.local;
  }

  get log(): Logger {
    return this.connection.log;
  }

  get queuedBytes(): number {
    return this.connection.queuedBytes + this.pending.length;
  }

  get closeReason(): CloseReason | undefined {
    return this.connection.closeReason;
  }

  get closed(): Promise<CloseReason> {
    return this.connection.closed;
  }

  get note(): string | undefined {
    return this.connection.note;
  }

  set note(note: string | undefined) {
    this.connection.note = note;
  }

  sendFramed(bytes: Uint8Array): boolean {
    if (this.#isPendingDue) this.sendPending();
    this.connection.messagesWritten++;
    return this.connection.sendLast(bytes);
  }

  flush(): Promise<void> {
    if (this.pending.length === 0) return this.connection.flush();
    const bytes = this.pending.take();
    return this.connection.write(bytes).then(() => this.pending.recycle(bytes));
  }

  /** Counts a message that was added to `pending`, which leaves at the end of this turn. */
  protected onQueued(): void {
    this.connection.messagesWritten++;
    this.sendSoon();
  }

  /** Sends `pending` at the end of this turn. */
  protected sendSoon(): void {
    if (this.#isPendingDue) return;
    this.#isPendingDue = true;
    queueMicrotask(() => this.sendPending());
  }

  protected sendPending(): void {
    this.#isPendingDue = false;
    if (this.pending.length > 0) this.connection.sendChecked(this.pending.take());
  }
}
