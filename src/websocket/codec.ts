import type { ByteBuilder } from "../base/byte_builder.ts";
import { toBytes } from "../base/bytes.ts";
import { applyMask, copyMasked, maskKeyOf } from "../framing/websocket_mask.ts";
import { createFramer, type Framer } from "../session/framer.ts";
import type { DeflateAgreement } from "./deflate.ts";
import type { WsPackage } from "./ws_package.ts";

/** Frame types (RFC 6455, section 5.2). */
export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One of {@linkcode OPCODE}. */
export type Opcode = typeof OPCODE[keyof typeof OPCODE];

const FIN = 0x80;
/** Marks a compressed message (RFC 7692, section 6). */
const RSV1 = 0x40;

/** Reads and writes the frames of one side; only a client's are masked. */
export interface WebSocketCodec {
  /** The side whose frames it writes. */
  readonly role: "server" | "client";
  /** Decodes bytes to messages and control frames. */
  readonly Receiver: WsPackage["Receiver"];
  /** Decodes compressed messages, if negotiated. */
  readonly deflate?: typeof import("./deflate.ts");
  /** Appends a frame with the given first byte. */
  appendFrame(first: number, data: Uint8Array, builder: ByteBuilder): void;
  /** Appends a message or a control frame. */
  append(opcode: Opcode, data: Uint8Array, builder: ByteBuilder): void;
  /** Frames whole messages. */
  readonly framer: Framer;
}

/** Loads `Receiver` and `Sender` of the package `ws` lazily. */
export async function loadWebSocketCodec(role: WebSocketCodec["role"]): Promise<WebSocketCodec> {
  const { Receiver, Sender } = await importWs();
  const appendFrame = role === "server" ? appendPlain : appendBy(Sender);
  const append: WebSocketCodec["append"] = (opcode, data, builder) => appendFrame(FIN | opcode, data, builder);
  return { role, Receiver, appendFrame, append, framer: framerBy(append) };
}

/** A codec with the negotiated compression. */
export async function loadDeflateCodec(codec: WebSocketCodec, agreement: DeflateAgreement): Promise<WebSocketCodec> {
  const deflate = await import("./deflate.ts");
  const { windowBits } = agreement;
  const append: WebSocketCodec["append"] = (opcode, data, builder) => {
    const isMessage = opcode === OPCODE.text || opcode === OPCODE.binary;
    const payload = isMessage && windowBits !== undefined ? deflate.compressMessage(data, windowBits) : undefined;
    if (payload === undefined) codec.append(opcode, data, builder);
    else codec.appendFrame(FIN | RSV1 | opcode, payload, builder);
  };
  return { ...codec, deflate, append, framer: framerBy(append) };
}

function framerBy(append: WebSocketCodec["append"]): Framer {
  return createFramer((data, isText, builder) => append(isText ? OPCODE.text : OPCODE.binary, toBytes(data), builder));
}

/** A server's frame is unmasked: header and data are copied to the target without an allocation. */
function appendPlain(first: number, data: Uint8Array, builder: ByteBuilder): void {
  const { length } = data;
  builder.appendByte(first);
  if (length < 126) builder.appendByte(length);
  else if (length <= 0xffff) appendLength(126, 2, length, builder);
  else appendLength(127, 8, length, builder);
  builder.append(data);
}

function appendLength(mark: number, bytes: number, length: number, builder: ByteBuilder): void {
  builder.appendByte(mark);
  for (let place = bytes - 1; place >= 0; place--) builder.appendByte(Math.floor(length / 256 ** place) & 0xff);
}

function appendBy(sender: WsPackage["Sender"]): WebSocketCodec["appendFrame"] {
  const options = { fin: true, mask: true, readOnly: true };
  return (first, data, builder) => {
    const frame = { ...options, opcode: first & 0x0f, rsv1: (first & RSV1) !== 0 };
    for (const piece of sender.frame(data, frame)) builder.append(piece);
  };
}

/**
 * While loading, `ws` looks for native masking in `node:http`, which Deno lacks, and otherwise reads an environment
 * variable, for which `deno run -N` has no permission. So `node:http` has our masking during the load: `ws` then needs
 * no permission, and masks faster.
 */
async function importWs(): Promise<WsPackage> {
  const { default: http } = await import("node:http");
  if ("websocketMask" in http) return await import("ws");
  Object.assign(http, {
    websocketMask: (source: Uint8Array, key: Uint8Array, target: Uint8Array, offset: number) =>
      copyMasked(source, maskKeyOf(key), target, offset),
    websocketUnmask: (bytes: Uint8Array, key: Uint8Array) => void applyMask(bytes, maskKeyOf(key)),
  });
  try {
    return await import("ws");
  } finally {
    Reflect.deleteProperty(http, "websocketMask");
    Reflect.deleteProperty(http, "websocketUnmask");
  }
}
