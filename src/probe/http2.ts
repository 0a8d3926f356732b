/**
 * One call over HTTP/2 (RFC 9113), on a connection of its own. The runtime's `node:http2` is not used: it can
 * end the whole process when a session is closed (https://github.com/denoland/deno/issues/36788).
 *
 * @module
 */

import { bigEndian, concat, NO_BYTES, preview, viewOf } from "../base/bytes.ts";
import { ClosedError, type ParleyError, ResetError } from "../base/errors.ts";
import { encodeFields, type HeaderField, HpackDecoder } from "../http/hpack.ts";
import { notReady, type ProbeTarget, unexpected } from "./probe.ts";
import type { Wire } from "./wire.ts";

/** The answer to a call. */
export interface Http2Response {
  /** Header fields, overridden by trailer fields; also `:status`. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** Frame types (section 6). */
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PUSH_PROMISE = 5;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
/** Flags; ACK and END_STREAM have one value. */
const ACK = 0x1;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const PADDED = 0x8;
const PRIORITY = 0x20;
/** Settings. */
const ENABLE_PUSH = 2;
const INITIAL_WINDOW_SIZE = 4;
/** Error codes (section 7). */
const NO_ERROR = 0;
/** In a GOAWAY, of a server that stops and cancels its calls. */
const INTERNAL_ERROR = 2;
/** REFUSED_STREAM, ENHANCE_YOUR_CALM. */
const OVERLOADED = [7, 11];
const ERROR_NAMES = [
  ...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED"],
  ...["FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"],
  ...["INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"],
];

/** The only stream. */
const STREAM = 1;
/** Without a setting of ours (SETTINGS_MAX_FRAME_SIZE). */
const MAX_FRAME_BYTES = 16_384;
const MAX_BLOCK_BYTES = 64 * 1024;
const MAX_RESPONSE_BYTES = 64 * 1024;
/** More than a response: nothing has to be granted later. */
const WINDOW_BYTES = 2 * MAX_RESPONSE_BYTES;
/** A server must not keep us busy with frames that mean nothing, nor block us because it does not read our answers. */
const MAX_FRAMES = 1_000;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

/** What to send, and what to receive. */
interface Http2Request {
  readonly fields: readonly HeaderField[];
  /** At most 16,384 bytes. */
  readonly body: Uint8Array;
  /** Whether the rest of a response that begins with these fields is of interest. */
  readonly isExpected: (fields: ReadonlyMap<string, string>) => boolean;
}

/**
 * Sends a request and receives the response, to its end if it is of the expected kind.
 *
 * @throws {NotReadyError} The server refuses the call because it is shutting down or overloaded.
 * @throws {ParleyError} The server does not speak HTTP/2, or ended the call.
 */
export async function callOverHttp2(
  wire: Wire,
  target: ProbeTarget,
  request: Http2Request,
): Promise<Http2Response> {
  const settings = [[ENABLE_PUSH, 0], [INITIAL_WINDOW_SIZE, WINDOW_BYTES]] as const;
  await send(
    wire,
    PREFACE,
    frame(SETTINGS, 0, 0, concat(settings.flatMap(([id, value]) => [bigEndian(id, 2), bigEndian(value, 4)]))),
    frame(WINDOW_UPDATE, 0, 0, bigEndian(WINDOW_BYTES, 4)),
    frame(HEADERS, END_HEADERS, STREAM, encodeFields(request.fields)),
    frame(DATA, END_STREAM, STREAM, request.body),
  );
  return await new Call(wire, target, request.isExpected).response();
}

/** The state of a call while its response is received. */
class Call {
  readonly #wire: Wire;
  readonly #target: ProbeTarget;
  readonly #decoder = new HpackDecoder();
  readonly #fields = new Map<string, string>();
  readonly #chunks: Uint8Array[] = [];
  readonly #isExpected: Http2Request["isExpected"];
  #size = 0;
  #frames = 0;

  constructor(wire: Wire, target: ProbeTarget, isExpected: Http2Request["isExpected"]) {
    this.#wire = wire;
    this.#target = target;
    this.#isExpected = isExpected;
  }

  async response(): Promise<Http2Response> {
    for (let received = await this.#frame(true); !await this.#take(received);) received = await this.#frame();
    if (!this.#fields.has(":status")) throw this.#invalid("the response has no status");
    return { fields: this.#fields, body: concat(this.#chunks) };
  }

  /** Whether the response is complete. */
  async #take({ type, flags, stream, payload }: Frame): Promise<boolean> {
    switch (type) {
      case DATA:
        this.#assertStream(stream);
        this.#append(this.#unpadded(payload, flags));
        return (flags & END_STREAM) !== 0;
      case HEADERS:
        this.#assertStream(stream);
        await this.#takeBlock(this.#unpadded(payload, flags).subarray(flags & PRIORITY ? 5 : 0), flags);
        return (flags & END_STREAM) !== 0 || this.#fields.has(":status") && !this.#isExpected(this.#fields);
      case RST_STREAM:
        this.#assertStream(stream);
        throw this.#ended("the call", codeIn(payload, 0));
      case SETTINGS:
        if ((flags & ACK) === 0) await send(this.#wire, frame(SETTINGS, ACK, 0, NO_BYTES));
        return false;
      case PING:
        if ((flags & ACK) === 0) await send(this.#wire, frame(PING, ACK, 0, payload));
        return false;
      case GOAWAY:
        this.#takeGoAway(payload);
        return false;
      case PUSH_PROMISE:
      case CONTINUATION:
        throw this.#invalid(`it sent a frame of type ${type} out of place`);
      default:
        // WINDOW_UPDATE: the request is shorter than any window. PRIORITY and unknown types are ignored (section 4.1).
        return false;
    }
  }

  async #frame(isFirst = false): Promise<Frame> {
    if (++this.#frames > MAX_FRAMES) throw unexpected(this.#target, "sent more than 1,000 frames");
    const head = await this.#wire.exactly(9);
    const view = viewOf(head);
    const length = view.getUint32(0) >>> 8;
    const type = view.getUint8(3);
    const isTooLong = length > MAX_FRAME_BYTES;
    if (isFirst && (isTooLong || type !== SETTINGS)) throw this.#invalid(`it began with "${preview(head)}"`);
    if (isTooLong) throw this.#invalid(`it sent a frame of ${length} bytes`);
    return {
      type,
      flags: view.getUint8(4),
      stream: view.getUint32(5) & 0x7fffffff,
      payload: await this.#wire.exactly(length),
    };
  }

  /** Reads the frames that continue a header block, and takes its fields. */
  async #takeBlock(start: Uint8Array, startFlags: number): Promise<void> {
    let block = start;
    for (let flags = startFlags; (flags & END_HEADERS) === 0;) {
      const next = await this.#frame();
      if (next.type !== CONTINUATION || next.stream !== STREAM) throw this.#invalid("its header block has no end");
      block = concat([block, next.payload]);
      if (block.length > MAX_BLOCK_BYTES) throw this.#invalid("its header block is too long");
      flags = next.flags;
    }
    let fields: HeaderField[];
    try {
      fields = this.#decoder.decode(block);
    } catch (error) {
      if (error instanceof SyntaxError) throw this.#invalid(error.message, error);
      throw error;
    }
    // An informational response precedes the final one (RFC 9110, section 15.2).
    if (fields.some(([name, value]) => name === ":status" && value.startsWith("1"))) return;
    for (const [name, value] of fields) this.#fields.set(name, value);
  }

  #append(data: Uint8Array): void {
    this.#size += data.length;
    if (this.#size > MAX_RESPONSE_BYTES) throw unexpected(this.#target, "answered with more than 64 KiB");
    this.#chunks.push(data);
  }

  #unpadded(payload: Uint8Array, flags: number): Uint8Array {
    if ((flags & PADDED) === 0) return payload;
    const end = payload.length - (payload[0] ?? 0);
    if (end < 1) throw this.#invalid("a frame consists of more than its padding");
    return payload.subarray(1, end);
  }

  #takeGoAway(payload: Uint8Array): void {
    const code = codeIn(payload, 4);
    const words = preview(payload.subarray(8));
    if (code !== NO_ERROR) throw this.#ended("the connection", code, words && `: ${words}`);
    if (codeIn(payload, 0) < STREAM) throw notReady(this.#target, "it is shutting down");
  }

  #ended(what: string, code: number, words = ""): ParleyError {
    const text = `ended ${what} with ${nameOf(code)}${words}`;
    const isTransient = OVERLOADED.includes(code) || what === "the connection" && code === INTERNAL_ERROR;
    return isTransient ? notReady(this.#target, `it ${text}`) : unexpected(this.#target, text);
  }

  #assertStream(stream: number): void {
    if (stream !== STREAM) throw this.#invalid(`it sent a frame on stream ${stream}`);
  }

  #invalid(reason: string, cause?: unknown): ParleyError {
    return unexpected(this.#target, `does not speak HTTP/2: ${reason}`, cause);
  }
}

/** What the peer has sent before it closed or reset the connection is read first: it may not be HTTP/2. */
async function send(wire: Wire, ...pieces: readonly (Uint8Array | string)[]): Promise<void> {
  try {
    await wire.write(...pieces);
  } catch (error) {
    if (!(error instanceof ResetError || error instanceof ClosedError)) throw error;
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  return concat([bigEndian(payload.length, 3), Uint8Array.of(type, flags), bigEndian(stream, 4), payload]);
}

/** An integer of four bytes; 0 if the frame is cut off. */
function codeIn(payload: Uint8Array, at: number): number {
  return payload.length < at + 4 ? 0 : viewOf(payload).getUint32(at);
}

function nameOf(code: number): string {
  return ERROR_NAMES[code] ?? `error ${code}`;
}
