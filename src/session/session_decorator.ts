import type { Logger } from "../log/logger.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { WaitOptions } from "../net/wait.ts";
import type { CloseFrame } from "./close_code.ts";
import type { Framer } from "./framer.ts";
import type { FinishOptions, Message, Session } from "./session.ts";
import { SessionBase } from "./session_base.ts";

/** Forwards everything to another session; subclasses override what they change. */
export class SessionDecorator extends SessionBase implements Omit<Required<Session>, "sendBack"> {
  /** The wrapped session. */
  protected readonly inner: Session;

  constructor(inner: Session) {
    super();
    this.inner = inner;
  }

  get id(): number {
    return this.inner.id;
  }

  get kind(): Session["kind"] {
    return this.inner.kind;
  }

  get subprotocol(): string | undefined {
    return this.inner.subprotocol;
  }

  get identity(): Session["identity"] {
    return this.inner.identity;
  }

  get request(): Session["request"] {
    return this.inner.request;
  }

  get closeFrame(): CloseFrame | undefined {
    return this.inner.closeFrame;
  }

  get closed(): Promise<CloseReason> {
    return this.inner.closed;
  }

  get note(): string | undefined {
    return this.inner.note;
  }

  set note(note: string | undefined) {
    this.inner.note = note;
  }

  get framer(): Framer {
    return this.inner.framer;
  }

  get remote(): Endpoint {
    return this.inner.remote;
  }

  get local(): Endpoint {
    return this.inner.local;
  }

  get log(): Logger {
    return this.inner.log;
  }

  get queuedBytes(): number {
    return this.inner.queuedBytes;
  }

  get isWritable(): boolean {
    return this.inner.isWritable;
  }

  get closeReason(): CloseReason | undefined {
    return this.inner.closeReason;
  }

  get onBadMessage(): Session["onBadMessage"] {
    return this.inner.onBadMessage;
  }

  set onBadMessage(answer: Session["onBadMessage"]) {
    this.inner.onBadMessage = answer;
  }

  override receive(options?: WaitOptions): Promise<readonly Message[] | null> {
    return this.unread === undefined ? this.inner.receive(options) : this.takeUnread();
  }

  send(data: Uint8Array | string, isText?: boolean): boolean {
    return this.inner.send(data, isText);
  }

  sendFramed(bytes: Uint8Array): boolean {
    return this.inner.sendFramed(bytes);
  }

  write(data: Uint8Array | string, isText?: boolean): Promise<void> {
    return this.inner.write(data, isText);
  }

  flush(): Promise<void> {
    return this.inner.flush();
  }

  closeWrite(): Promise<boolean> {
    return this.inner.closeWrite();
  }

  close(reason: CloseReason, error?: Error): void {
    this.inner.close(reason, error);
  }

  reset(): boolean {
    return this.inner.reset();
  }

  drain(): void {
    this.inner.drain();
  }

  override finish(reason?: CloseReason, options?: FinishOptions): Promise<void> {
    return this.inner.finish(reason, options);
  }
}
