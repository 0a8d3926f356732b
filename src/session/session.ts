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

/** A copied message, from iterating over a {@linkcode Session}. */
export interface OwnMessage extends Message {
  /** Decodes the bytes as UTF-8. */
  text(): string;
}

/** A received message. */
export interface Message {
  /** A view that is valid until the next `receive()`. */
  readonly data: Uint8Array;
  /** Whether it was sent as text; only WebSocket distinguishes text and binary. */
  readonly isText: boolean;
}

/** Options of {@linkcode Session.finish}. */
export interface FinishOptions {
  /** Time limit for the peer's end. */
  readonly timeout?: Duration | undefined;
  /** Code and reason of the Close frame, if any; by default derived from the close reason. */
  readonly closeFrame?: CloseFrame | undefined;
}

/**
 * A session of messages with one peer over any transport: a framed byte stream over TCP or a Unix socket, or WebSocket.
 * It is a service's only view of the network.
 *
 * Iteration yields copies of the messages until the peer ends; {@linkcode receive} avoids the copies. A loop that is
 * left early leaves the session open; the next loop or `receive()` goes on with the next message. Disposal calls
 * {@linkcode finish}.
 */
export interface Session extends AsyncDisposable, AsyncIterable<OwnMessage> {
  /** Number of the connection, unique in this server. */
  readonly id: number;
  /** The transport: a framed stream, or WebSocket. */
  readonly kind: "stream" | "websocket";
  /** The negotiated WebSocket subprotocol (RFC 6455, section 1.9). */
  readonly subprotocol: string | undefined;
  /** The client's WebSocket handshake request. */
  readonly request?: HttpRequestHead | undefined;
  /** Who the client has logged in as, by that request or by its first message. */
  readonly identity?: Identity | undefined;
  /** Encodes messages for {@linkcode sendFramed}; shared by all sessions with the same encoding. */
  readonly framer: Framer;
  /** The endpoint of the peer. */
  readonly remote: Endpoint;
  /** The local endpoint. */
  readonly local: Endpoint;
  /** Includes the connection's number and the peer in every line. */
  readonly log: Logger;
  /** Bytes queued for sending; flush when it grows large. */
  readonly queuedBytes: number;
  /** The peer's WebSocket Close frame, once received (RFC 6455, section 7.1.5). */
  readonly closeFrame?: CloseFrame | undefined;
  /** Whether messages can still be sent; if `send()` fails although this is `true`, the outbox is full. */
  readonly isWritable: boolean;
  /** Why it ended, or `undefined` while it is open. */
  readonly closeReason: CloseReason | undefined;
  /** Resolves with the reason when the session has ended; never rejects. */
  readonly closed: Promise<CloseReason>;
  /** A note for the operator, shown in `/connections`. */
  note: string | undefined;

  /**
   * Responds to a message with a framing error; by default, the error is sent as a line if the framing is line-based.
   */
  onBadMessage?: ((error: FrameError) => void) | undefined;

  /**
   * Reads one or more messages; `null` when the peer ends, and when the server drains. The list and the messages are
   * valid until the next call.
   *
   * A message with a framing error after which the stream can continue is answered with an error and omitted.
   *
   * If `options` end the wait, no message is lost: a later call returns it.
   *
   * @throws {FrameError} A framing error after which the stream cannot continue.
   * @throws {ClosedEarlyError} The stream ended inside a message.
   * @throws {ResetError} The peer reset the connection.
   * @throws {TimeoutError} A deadline passed.
   */
  receive(options?: WaitOptions): Promise<readonly Message[] | null>;

  /** Puts messages back, which the next `receive()` or loop returns first; they must not change any more. */
  unreceive?(messages: readonly Message[]): void;

  /**
   * Queues a copy of a message; everything queued in one turn of the event loop is sent in one write. Returns `false`
   * and queues nothing if the session is closed or the outbox has no room: {@linkcode flush} waits for room, {@linkcode
   * write} needs none. `true` means that the message will be sent unless the connection fails or the write deadline
   * passes.
   */
  send(data: Uint8Array | string, isText?: boolean): boolean;

  /**
   * Like {@linkcode send} for the whole list of the last {@linkcode receive}, which is empty afterwards: this costs less
   * than to send each message. Returns `false` and queues nothing if the framing or the outbox does not allow it.
   */
  sendBack?(batch: readonly Message[]): boolean;

  /**
   * Like {@linkcode send}, for bytes from {@linkcode framer} that will not change, so that a broadcast is encoded once.
   * They are written immediately if nothing is queued, so pass everything of one turn together.
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

  /** Waits until everything queued has been sent. */
  flush(): Promise<void>;

  /**
   * Sends the queue and half-closes, so that the peer sees the end and can still respond. Returns `false` and does
   * nothing if the transport has no half-close: WebSocket (RFC 6455, section 1.4).
   */
  closeWrite(): Promise<boolean>;

  /** Closes immediately and drops the queue. */
  close(reason: CloseReason, error?: Error): void;

  /**
   * Closes immediately with a reset and drops the queue. Returns `false` if the transport cannot do that and was closed
   * as by {@linkcode close}.
   */
  reset(): boolean;

  /** Called when the server shuts down: `receive()` returns `null` from now on. */
  drain(): void;

  /**
   * Ends the conversation: sends what is queued, then a Close frame or the end
   * of the stream, and waits for the other side's, for `timeout` (2 s by default) at most.
   */
  finish(reason?: CloseReason, options?: FinishOptions): Promise<void>;
}
