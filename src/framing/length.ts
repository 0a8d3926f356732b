import type { ByteBuilder } from "../base/byte_builder.ts";
import { ClosedEarlyError, FrameError } from "../base/errors.ts";
import { ByteQueue } from "./byte_queue.ts";
import type { Codec } from "./codec.ts";

/** Encoding of the length before each message. */
export interface LengthFormat {
  /** Bytes of the prefix, or `"varint"` as in Protocol Buffers: base 128, least significant group first. */
  readonly bytes: 1 | 2 | 4 | 8 | "varint";
  /**
   * Byte order: big-endian (network order, RFC 1700) or little-endian. Ignored for 1 byte and for a varint.
   *
   * @default {"be"}
   */
  readonly endianness?: "be" | "le";
}

/** Maximum bytes of a varint: 64 bits in groups of 7. */
const MAX_VARINT_BYTES = 10;

/**
 * Messages of 0 to `maxBytes` bytes, each preceded by its length as an unsigned integer; the length does not include
 * the prefix.
 */
export function lengthCodec(format: LengthFormat, maxBytes: number): Codec {
  const { bytes: prefix, endianness = "be" } = format;
  const isLittle = endianness === "le";
  const max = Math.min(maxBytes, prefix === "varint" ? Number.MAX_SAFE_INTEGER : 256 ** prefix - 1);
  return {
    name: `length:${prefix}${prefix === 1 || prefix === "varint" ? "" : endianness}`,
    decoder() {
      const queue = new ByteQueue();
      /** Length of the message whose prefix was received, or -1. */
      let wanted = -1;
      return {
        push: (bytes) => queue.push(bytes),
        next() {
          if (wanted === -1) {
            const size = prefix === "varint" ? varintSize(queue) : prefix;
            if (size === undefined || queue.length < size) return void queue.keep();
            const length = prefix === "varint" ? readVarint(queue, size) : readNumber(queue, size, isLittle);
            if (length > max) {
              throw new FrameError(`A message of ${length} bytes was announced: 0 to ${max} are accepted`);
            }
            queue.skip(size);
            wanted = length;
          }
          if (queue.length < wanted) return void queue.keep();
          const message = queue.take(wanted);
          wanted = -1;
          return message;
        },
        end() {
          const received = queue.length;
          if (wanted === -1 && received === 0) return;
          if (wanted === -1 && prefix === "varint") {
            throw new ClosedEarlyError(`The stream ended inside a length: ${received} bytes received`, { received });
          }
          const part = wanted === -1 ? "length" : "message";
          const expected = wanted === -1 ? Number(prefix) : wanted;
          throw new ClosedEarlyError(`The stream ended inside a ${part}: ${received} of ${expected} bytes received`, {
            received,
            expected,
          });
        },
      };
    },
    encode(message, builder) {
      const { length } = message;
      if (length > max) throw new FrameError(`Cannot send ${length} bytes: a message has 0 to ${max}`);
      if (prefix === "varint") appendVarint(length, builder);
      else appendNumber(length, prefix, isLittle, builder);
      builder.append(message);
    },
  };
}

function readNumber(queue: ByteQueue, size: number, isLittle: boolean): number {
  let length = 0;
  // Multiplied, not shifted: with the highest of 32 bits set, a shift gives a negative number.
  for (let index = 0; index < size; index++) length = length * 256 + queue.at(isLittle ? size - 1 - index : index);
  return length;
}

function appendNumber(length: number, size: number, isLittle: boolean, builder: ByteBuilder): void {
  for (let index = 0; index < size; index++) {
    const place = isLittle ? index : size - 1 - index;
    builder.appendByte(Math.floor(length / 256 ** place) & 0xff);
  }
}

/** Length in bytes of the varint at the start of the queue; `undefined` while it is incomplete. */
function varintSize(queue: ByteQueue): number | undefined {
  for (let index = 0; index < queue.length; index++) {
    if (queue.at(index) < 0x80) return index + 1;
    if (index + 1 === MAX_VARINT_BYTES) {
      throw new FrameError(`Received a length of more than ${MAX_VARINT_BYTES} bytes`);
    }
  }
  return undefined;
}

function readVarint(queue: ByteQueue, size: number): number {
  let length = 0;
  for (let index = 0; index < size; index++) length += (queue.at(index) & 0x7f) * 128 ** index;
  return length;
}

function appendVarint(length: number, builder: ByteBuilder): void {
  let rest = length;
  while (rest >= 0x80) {
    builder.appendByte(rest % 0x80 + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  builder.appendByte(rest);
}
