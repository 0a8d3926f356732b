import { Buffer, isUtf8 } from "node:buffer";
import { ByteQueue } from "../framing/byte_queue.ts";
import { applyMask, maskKey, turnKey } from "../framing/websocket_mask.ts";
import type { Message } from "../session/session.ts";
import { type CloseFrame, WebSocketError } from "../session/close_code.ts";
import { OPCODE, type WebSocketCodec } from "./codec.ts";

/** Pieces of a message that are held. More come only to waste memory. */
const MIN_FRAGMENTS = 1024;

const FIN = 0x80;
const RSV1 = 0x40;
const MASKED = 0x80;
const FINAL_TEXT = FIN | OPCODE.text;
const FINAL_BINARY = FIN | OPCODE.binary;

/** What a decoder tells its session. */
export interface WebSocketEvents {
  message(message: Message): void;
  ping(data: Uint8Array): void;
  pong(): void;
  /** A Close frame: nothing after it counts. */
  close(end: CloseFrame): void;
}

/**
 * Reads the other side's frames (RFC 6455, section 5). Frames that are whole
 * messages, as nearly all are, are unmasked where they lie; all others, and
 * those that break a rule, go through the `Receiver` of `ws`, which knows the
 * rules.
 */
export class WebSocketDecoder {
  readonly #events: WebSocketEvents;
  readonly #receiver: InstanceType<WebSocketCodec["Receiver"]>;
  readonly #maxBytes: number;
  /** A server must be sent masked frames, a client plain ones (section 5.1). */
  readonly #maskBit: number;
  readonly #queue = new ByteQueue();
  readonly #decompress: ((payload: Uint8Array, maxBytes: number) => Uint8Array) | undefined;
  #isInsideMessage = false;
  /** Whether the message under way is text that can be checked before it is whole: not if it is compressed. */
  #isText = false;
  /** Checks the text of a message that comes in pieces. */
  #utf8: TextDecoder | undefined;
  /** Bytes of the frame under way that were checked. */
  #checked = 0;
  #isClosed = false;
  #failure: WebSocketError | undefined;

  /** A decoder for one connection, for messages of at most `maxBytes` over all fragments. */
  constructor(codec: WebSocketCodec, maxBytes: number, events: WebSocketEvents) {
    this.#events = events;
    this.#maxBytes = maxBytes;
    this.#maskBit = codec.role === "server" ? MASKED : 0;
    this.#decompress = codec.deflate?.decompressMessage;
    this.#receiver = new codec.Receiver({
      isServer: codec.role === "server",
      allowSynchronousEvents: true,
      maxPayload: maxBytes,
      maxFragments: Math.max(MIN_FRAGMENTS, maxBytes / 64),
      maxBufferedChunks: 0,
      extensions: codec.deflate === undefined
        ? {}
        : { "permessage-deflate": new codec.deflate.FragmentInflater(maxBytes) },
    })
      .on("message", (data, isBinary) => events.message({ data, isText: !isBinary }))
      .on("ping", (data) => events.ping(data))
      .on("pong", () => events.pong())
      .on("conclude", (code, text) => {
        this.#isClosed = true;
        events.close({ code, text: new TextDecoder().decode(text) });
      });
  }

  /** The rule that was broken: the stream cannot go on. */
  get failure(): WebSocketError | undefined {
    return this.#failure;
  }

  /** Takes the next bytes; messages are views that are valid until the next push. */
  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    while (this.#failure === undefined && !this.#isClosed && this.#takeFrame());
    this.#queue.keep();
  }

  /** Takes the next frame, if it has come whole. */
  #takeFrame(): boolean {
    const queue = this.#queue;
    if (queue.length < 2) return false;
    const first = queue.at(0);
    const second = queue.at(1);
    if (!this.#isRegular(first, second)) return this.#receive(queue.length);
    const short = second & 0x7f;
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
    const headBytes = 2 + lengthBytes + (this.#maskBit === 0 ? 0 : 4);
    if (queue.length < headBytes) return false;
    const length = lengthBytes === 0 ? short : this.#lengthAt2(lengthBytes);
    if (length > this.#maxBytes) return this.#receive(queue.length);
    const isPartial = queue.length < headBytes + length;
    if ((isPartial || this.#isInsideMessage || first < FIN) && !this.#isTextValid(first, headBytes, length)) {
      return this.#fail(invalidUtf8());
    }
    if (isPartial) return false;
    this.#checked = 0;
    const final = first & ~RSV1;
    if (this.#isInsideMessage || final !== FINAL_TEXT && final !== FINAL_BINARY) {
      this.#follow(first);
      return this.#receive(headBytes + length);
    }
    this.#utf8 = undefined;
    const key = this.#maskBit === 0 ? undefined : this.#keyAt(headBytes - 4);
    queue.skip(headBytes);
    if ((first & RSV1) !== 0) return this.#takeCompressed(queue.take(length), key, first);
    return this.#takeMessage(queue.take(length), key, first === FINAL_TEXT);
  }

  #takeMessage(data: Uint8Array, key: number | undefined, isText: boolean): boolean {
    const isAscii = key !== undefined && applyMask(data, key);
    if (isText && !isAscii && !isUtf8(data)) {
      return this.#fail(invalidUtf8());
    }
    this.#events.message({ data, isText });
    return true;
  }

  #takeCompressed(data: Uint8Array, key: number | undefined, first: number): boolean {
    if (key !== undefined) applyMask(data, key);
    try {
      const message = this.#decompress?.(data, this.#maxBytes) ?? data;
      return this.#takeMessage(message, undefined, (first & ~RSV1) === FINAL_TEXT);
    } catch (error) {
      if (error instanceof Error && "code" in error && typeof error.code === "string") {
        return this.#fail(Object.assign(error, { code: error.code }));
      }
      throw error;
    }
  }

  /** Whether what has come of a text is UTF-8: a message is refused before the rest of it comes (section 8.1). */
  #isTextValid(first: number, headBytes: number, length: number): boolean {
    const opcode = first & 0x0f;
    if ((first & RSV1) !== 0 || opcode !== OPCODE.text && (opcode !== 0 || !this.#isText)) return true;
    const come = Math.min(this.#queue.length - headBytes, length);
    if (come === this.#checked) return true;
    const data = this.#queue.view(headBytes + this.#checked, headBytes + come).slice();
    if (this.#maskBit !== 0) applyMask(data, turnKey(this.#keyAt(headBytes - 4), this.#checked));
    this.#checked = come;
    try {
      this.#utf8 ??= new TextDecoder("utf-8", { fatal: true });
      this.#utf8.decode(data, { stream: true });
      return true;
    } catch {
      // TypeError: not UTF-8, which is an answer here.
      return false;
    }
  }

  /** Whether these can begin a frame; what cannot is refused before the rest of it comes. */
  #isRegular(first: number, second: number): boolean {
    const opcode = first & 0x0f;
    const mayBeCompressed = this.#decompress !== undefined && !this.#isInsideMessage && opcode <= OPCODE.binary;
    if ((first & (mayBeCompressed ? 0x30 : 0x70)) !== 0 || (second & MASKED) !== this.#maskBit) return false;
    if (opcode <= OPCODE.binary) return (opcode === 0) === this.#isInsideMessage;
    return opcode >= OPCODE.close && opcode <= OPCODE.pong && first >= FIN && (second & 0x7f) <= 125;
  }

  #keyAt(at: number): number {
    const queue = this.#queue;
    return maskKey(queue.at(at), queue.at(at + 1), queue.at(at + 2), queue.at(at + 3));
  }

  #lengthAt2(bytes: number): number {
    let length = 0;
    for (let at = 2; at < 2 + bytes; at++) length = length * 256 + this.#queue.at(at);
    return length;
  }

  /** Data frames begin, continue and end a message; control frames may lie between them. */
  #follow(first: number): void {
    const opcode = first & 0x0f;
    if (opcode >= OPCODE.close) return;
    if (opcode !== 0) this.#isText = opcode === OPCODE.text && (first & RSV1) === 0;
    this.#isInsideMessage = first < FIN;
    if (!this.#isInsideMessage) this.#utf8 = undefined;
  }

  /** The receiver keeps views of what it is given until the message is whole: so it gets bytes of its own. */
  #receive(count: number): boolean {
    this.#receiver._write(Buffer.from(this.#queue.take(count)), "", this.#onReceived);
    return true;
  }

  readonly #onReceived = (error?: (Error & { code: string }) | null): void => {
    if (error) this.#fail(error);
  };

  #fail(error: Error & { readonly code: string }): boolean {
    this.#failure = new WebSocketError(error);
    return false;
  }
}

function invalidUtf8(): Error & { readonly code: string } {
  return Object.assign(new Error("invalid UTF-8 sequence"), { code: "WS_ERR_INVALID_UTF8" });
}
