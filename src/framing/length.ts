import type { ByteBuilder } from "../base/byte_builder.ts";
import { ClosedEarlyError, FrameError } from "../base/errors.ts";
import { ByteQueue } from "./byte_queue.ts";
import type { Codec } from "./codec.ts";

/** How the length is written before each message. */
export interface LengthFormat {
  /** Bytes of the prefix, or `"varint"`: base 128, least significant group first, as in Protocol Buffers. */
  readonly bytes: 1 | 2 | 4 | 8 | "varint";
  /**
   * Most significant byte first (network order, RFC 1700) or last. It means nothing for 1 byte and for a varint.
   *
   * @default {"be"}
   */
  readonly endianness?: "be" | "le";
}

/** Bytes of the longest varint: 64 bits in groups of 7. */
const MAX_VARINT_BYTES = 10;

/**
 * Each message preceded by its length, an unsigned number that does not count
 * itself. A message has 0 to `maxBytes` bytes.
 */
export function lengthCodec(format: LengthFormat, maxBytes: number): Codec {
  const { bytes: prefix, endianness = "be" } = format;
  const isLittle = endianness === "le";
  const max = Math.min(maxBytes, prefix === "varint" ? Number.MAX_SAFE_INTEGER : 256 ** prefix - 1);
  return {
    name: `length:${prefix}${prefix === 1 || prefix === "varint" ? "" : endianness}`,
    decoder() {
      const queue = new ByteQueue();
      /** Length of the message whose prefix has come, or -1. */
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
            throw new ClosedEarlyError(`The stream ended inside a length: ${received} bytes came`, { received });
          }
          const part = wanted === -1 ? "length" : "message";
          const expected = wanted === -1 ? Number(prefix) : wanted;
          throw new ClosedEarlyError(`The stream ended inside a ${part}: ${received} of ${expected} bytes came`, {
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
  // Multiplied, not shifted: 32 bits with the highest one set would come out negative.
  for (let index = 0; index < size; index++) length = length * 256 + queue.at(isLittle ? size - 1 - index : index);
  return length;
}

function appendNumber(length: number, size: number, isLittle: boolean, builder: ByteBuilder): void {
  for (let index = 0; index < size; index++) {
    const place = isLittle ? index : size - 1 - index;
    builder.appendByte(Math.floor(length / 256 ** place) & 0xff);
  }
}

/** Bytes of the varint that the queue begins with; `undefined` if its last byte has not come. */
function varintSize(queue: ByteQueue): number | undefined {
  for (let index = 0; index < queue.length; index++) {
    if (queue.at(index) < 0x80) return index + 1;
    if (index + 1 === MAX_VARINT_BYTES) throw new FrameError(`A length of more than ${MAX_VARINT_BYTES} bytes came`);
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
