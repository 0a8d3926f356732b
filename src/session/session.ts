import type { Identity } from "../guard/authenticator.ts";
import type { FrameError } from "../base/errors.ts";
import type { Duration } from "../base/units.ts";
import type { HttpRequestHead } from "../http/head.ts";
import type { Logger } from "../log/logger.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { WaitOptions } from "../net/wait.ts";
import type { Framer } from "./framer.ts";
import type { CloseFrame } from "./close_code.ts";

/** A message with bytes of its own, as iterating over a {@linkcode Session} gives it. */
export interface OwnMessage extends Message {
  /** Its bytes as text in UTF-8. */
  text(): string;
}

/** One message of a client. */
export interface Message {
  /** Its bytes, in a view that is valid until the next `receive()`. */
  readonly data: Uint8Array;
  /** Whether it came as text; only WebSocket tells text from bytes. */
  readonly isText: boolean;
}

/** How {@linkcode Session.finish} ends a conversation. */
export interface FinishOptions {
  /** For the other side's end. */
  readonly timeout?: Duration | undefined;
  /** The code and the text of the Close frame, if there is one; by default they follow from the reason. */
  readonly closeFrame?: CloseFrame | undefined;
}

/**
 * One client's conversation in messages, whatever carries it: bytes over TCP
 * or a Unix socket cut by a framing, or WebSocket messages. A service sees
 * nothing else of the network.
 *
 * Iterating gives one message at a time, with bytes that stay valid, until the
 * other side ends; {@linkcode receive} does the same without a copy. Disposing
 * of it is {@linkcode finish}.
 */
export interface Session extends AsyncDisposable, AsyncIterable<OwnMessage> {
  /** The number of the connection, unique in this server. */
  readonly id: number;
  /** What carries it: a stream cut by a framing, or WebSocket messages. */
  readonly kind: "stream" | "websocket";
  /** The WebSocket subprotocol that was agreed on (RFC 6455, section 1.9). */
  readonly subprotocol: string | undefined;
  /** The request with which a client opened its WebSocket. */
  readonly request?: HttpRequestHead | undefined;
  /** Who has logged in with that request. */
  readonly identity?: Identity | undefined;
  /** Frames messages for {@linkcode sendFramed}; shared by all sessions that need the same bytes. */
  readonly framer: Framer;
  /** The client. */
  readonly remote: Endpoint;
  /** Where it came in. */
  readonly local: Endpoint;
  /** Every line of it names the connection and the client. */
  readonly log: Logger;
  /** Bytes that wait to be written: flush when they grow large. */
  readonly queuedBytes: number;
  /** What the other side's WebSocket Close frame said, once it has come (RFC 6455, section 7.1.5). */
  readonly closeFrame?: CloseFrame | undefined;
  /** Whether messages can still be sent; a `send()` that fails while this is `true` found no room in the outbox. */
  readonly isWritable: boolean;
  /** Why it ended, or `undefined` while it is open. */
  readonly closeReason: CloseReason | undefined;
  /** Settles once it has ended, with the reason; it never rejects. */
  readonly closed: Promise<CloseReason>;
  /** What the operator sees of it in `/connections`. */
  note: string | undefined;

  /**
   * Answers a message that breaks the framing; by default, the error is sent
   * as a line where messages are lines.
   */
  onBadMessage?: ((error: FrameError) => void) | undefined;

  /**
   * Every message that the next read completes, one at least; `null` at the
   * client's end, and when the server is ending. The list and the messages are
   * valid until the next call.
   *
   * A message that breaks the framing but lets the stream go on is answered
   * with an error and left out.
   *
   * A wait that `options` end loses nothing: the messages come with a later call.
   *
   * @throws {FrameError} The stream cannot go on.
   * @throws {ClosedEarlyError} It ended inside a message.
   * @throws {ResetError} The client is gone.
   * @throws {TimeoutError} A deadline passed.
   */
  receive(options?: WaitOptions): Promise<readonly Message[] | null>;

  /**
   * Queues one message, copying it; what is queued in one turn leaves in one
   * write. `false`, and nothing is queued, when the client is gone or its
   * outbox has no room: {@linkcode flush} waits for room, {@linkcode write}
   * needs none. `true` means that the message leaves unless the client or the
   * write deadline prevents it.
   */
  send(data: Uint8Array | string, isText?: boolean): boolean;

  /**
   * As {@linkcode send}, for bytes that {@linkcode framer} made and that will
   * not change: a broadcast is framed once for all. They leave at once where
   * nothing waits before them, so pass all of one turn together.
   */
  sendFramed(bytes: Uint8Array): boolean;

  /**
   * Sends one message of any size, bytes without a copy where that is possible,
   * and waits until it has left. Over WebSocket a text is a text message.
   *
   * @example A text
   * ```ts
   * import { dial } from "@parley/parley";
   * import { serve } from "@parley/parley/server";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = await serve("tcp://127.0.0.1:0", (session) => session.write("welcome"));
   * await using session = await dial(server.endpoint);
   * const [message] = await session.receive() ?? [];
   * assertEquals(new TextDecoder().decode(message?.data), "welcome");
   * ```
   */
  write(data: Uint8Array | string, isText?: boolean): Promise<void>;

  /** Waits until everything queued has left. */
  flush(): Promise<void>;

  /**
   * Sends what is queued and ends our side, so that the other side sees the
   * end and can still answer: `true`. `false`, and nothing happens, where a
   * transport ends for both sides at once: WebSocket (RFC 6455, section 1.4).
   */
  closeWrite(): Promise<boolean>;

  /** Closes it at once: what is queued is lost. */
  close(reason: CloseReason, error?: Error): void;

  /**
   * Closes it at once with a reset: what is queued is lost. `false` if the
   * transport cannot do that, and it is closed as by {@linkcode close}.
   */
  reset(): boolean;

  /** The server is ending: `receive()` gives `null` from now on. */
  drain(): void;

  /**
   * Ends the conversation: sends what is queued, then a Close frame or the end
   * of the stream, and waits for the other side's, for `timeout` (2 s by default) at most.
   */
  finish(reason?: CloseReason, options?: FinishOptions): Promise<void>;
}
