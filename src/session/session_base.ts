import type { CloseReason } from "../net/close_reason.ts";
import type { WaitOptions } from "../net/wait.ts";
import type { FinishOptions, Message, OwnMessage } from "./session.ts";

class CopiedMessage implements OwnMessage {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly isText: boolean;

  constructor({ data, isText }: Message) {
    this.data = data.slice();
    this.isText = isText;
  }

  text(): string {
    return new TextDecoder().decode(this.data);
  }
}

/** Methods of a session that build on its other methods. */
export abstract class SessionBase implements AsyncDisposable, AsyncIterable<OwnMessage> {
  abstract receive(options?: WaitOptions): Promise<readonly Message[] | null>;
  abstract finish(reason?: CloseReason, options?: FinishOptions): Promise<void>;

  /** What the next `receive()` returns. */
  protected unread: readonly Message[] | undefined;

  async *[Symbol.asyncIterator](): AsyncGenerator<OwnMessage, void, void> {
    for (let batch = await this.receive(); batch !== null; batch = await this.receive()) {
      // Copied immediately, because a receive() in the loop's body would overwrite them.
      const messages = batch.map((message) => new CopiedMessage(message));
      let taken = 0;
      try {
        for (const message of messages) {
          taken++;
          yield message;
        }
      } finally {
        this.unreceive(messages.slice(taken));
      }
    }
  }

  unreceive(messages: readonly Message[]): void {
    if (messages.length > 0) this.unread = [...messages, ...this.unread ?? []];
  }

  protected takeUnread(): Promise<readonly Message[] | null> {
    const { unread = null } = this;
    this.unread = undefined;
    return Promise.resolve(unread);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
  }
}
