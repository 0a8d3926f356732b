import { Buffer, isUtf8 } from "node:buffer";
import { ByteQueue } from "../framing/byte_queue.ts";
import { applyMask, maskKey, turnKey } from "../framing/websocket_mask.ts";
import type { Message } from "../session/session.ts";
import { type CloseFrame, WebSocketError } from "../session/close_code.ts";
import { OPCODE, type WebSocketCodec } from "./codec.ts";

/** Maximum fragments of a message; more would only waste memory. */
const MIN_FRAGMENTS = 1024;

const FIN = 0x80;
const RSV1 = 0x40;
const MASKED = 0x80;
const FINAL_TEXT = FIN | OPCODE.text;
const FINAL_BINARY = FIN | OPCODE.binary;

/** Events of a decoder. */
interface WebSocketEvents {
  message(message: Message): void;
  ping(data: Uint8Array): void;
  pong(): void;
  /** A Close frame; everything after it is ignored. */
  close(end: CloseFrame): void;
}

/**
 * Decodes the peer's frames (RFC 6455, section 5). Single-frame messages, the common case, are unmasked in place; all
 * other frames and invalid ones go through the `Receiver` of `ws`, which implements all rules.
 */
export class WebSocketDecoder {
  readonly #events: WebSocketEvents;
  readonly #receiver: InstanceType<WebSocketCodec["Receiver"]>;
  readonly #maxBytes: number;
  /** Clients must mask frames, servers must not (section 5.1). */
  readonly #maskBit: number;
  readonly #queue = new ByteQueue();
  readonly #decompress: ((payload: Uint8Array, maxBytes: number) => Uint8Array) | undefined;
  #isInsideMessage = false;
  /** Whether the current message is uncompressed text, which can be validated incrementally. */
  #isText = false;
  /** Validates fragmented text. */
  #utf8: TextDecoder | undefined;
  /** Validated bytes of the current frame. */
  #checked = 0;
  #isClosed = false;
  readonly #endpoint: string | undefined;
  #failure: WebSocketError | undefined;

  /**
   * Creates a decoder for one connection; `maxBytes` limits a message over all fragments. Errors name the `endpoint`, if
   * given, for a client, whose errors are shown alone.
   */
  constructor(codec: WebSocketCodec, maxBytes: number, events: WebSocketEvents, endpoint?: string) {
    this.#endpoint = endpoint;
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

  /** The protocol error after which the stream cannot continue. */
  get failure(): WebSocketError | undefined {
    return this.#failure;
  }

  /** Adds the next bytes; messages are views that are valid until the next push. */
  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    while (this.#failure === undefined && !this.#isClosed && this.#takeFrame());
    this.#queue.keep();
  }

  /** Decodes the next frame, if it is complete. */
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

  /** Whether the text received so far is valid UTF-8, so that a message can be rejected early (section 8.1). */
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
      // TypeError means invalid UTF-8.
      return false;
    }
  }

  /** Whether these bytes can start a frame, so that an invalid frame can be rejected early. */
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

  /** Data frames start, continue and end a message; control frames may be interleaved. */
  #follow(first: number): void {
    const opcode = first & 0x0f;
    if (opcode >= OPCODE.close) return;
    if (opcode !== 0) this.#isText = opcode === OPCODE.text && (first & RSV1) === 0;
    this.#isInsideMessage = first < FIN;
    if (!this.#isInsideMessage) this.#utf8 = undefined;
  }

  /** Copied, because the receiver keeps views until the message is complete. */
  #receive(count: number): boolean {
    this.#receiver._write(Buffer.from(this.#queue.take(count)), "", this.#onReceived);
    return true;
  }

  readonly #onReceived = (error?: (Error & { code: string }) | null): void => {
    if (error) this.#fail(error);
  };

  #fail(error: Error & { readonly code: string }): boolean {
    this.#failure = new WebSocketError(error, this.#endpoint);
    return false;
  }
}

function invalidUtf8(): Error & { readonly code: string } {
  return Object.assign(new Error("invalid UTF-8 sequence"), { code: "WS_ERR_INVALID_UTF8" });
}
