import { ClosedEarlyError, FrameError } from "../base/errors.ts";
import { ByteQueue } from "./byte_queue.ts";
import type { Codec } from "./codec.ts";

/** How the length is written before each message. */
export interface LengthFormat {
  /** Bytes of the prefix. */
  readonly bytes: 2 | 4;
  /** Most significant byte first (network order, RFC 1700) or last. */
  readonly endianness: "be" | "le";
}

/** Each message preceded by its length, an unsigned number that does not count itself. */
export function lengthCodec(format: LengthFormat, maxBytes: number): Codec {
  const { bytes: prefixBytes, endianness } = format;
  const most = Math.min(maxBytes, prefixBytes === 2 ? 0xffff : 0xffffffff);
  return {
    name: `length:${prefixBytes}${endianness}`,
    decoder() {
      const queue = new ByteQueue();
      /** Length of the message whose prefix has come, or -1. */
      let wanted = -1;
      return {
        push: (bytes) => queue.push(bytes),
        next() {
          if (wanted === -1) {
            if (queue.length < prefixBytes) return void queue.keep();
            wanted = readPrefix(queue, format);
            queue.skip(prefixBytes);
            if (wanted === 0 || wanted > most) {
              throw new FrameError(`A message of ${wanted} bytes was announced: 1 to ${most} are accepted`);
            }
          }
          if (queue.length < wanted) return void queue.keep();
          const message = queue.take(wanted);
          wanted = -1;
          return message;
        },
        end() {
          const part = wanted === -1 ? "length" : "message";
          const expected = wanted === -1 ? prefixBytes : wanted;
          if (wanted === -1 && queue.length === 0) return;
          throw new ClosedEarlyError(
            `The stream ended inside a ${part}: ${queue.length} of ${expected} bytes came`,
            { received: queue.length, expected },
          );
        },
      };
    },
    encode(message, builder) {
      if (message.length === 0 || message.length > most) {
        throw new FrameError(`Cannot send ${message.length} bytes: a message has 1 to ${most}`);
      }
      for (let index = 0; index < prefixBytes; index++) {
        const shift = 8 * (endianness === "be" ? prefixBytes - 1 - index : index);
        builder.appendByte((message.length >>> shift) & 0xff);
      }
      builder.append(message);
    },
  };
}

function readPrefix(queue: ByteQueue, { bytes, endianness }: LengthFormat): number {
  let length = 0;
  // Multiplied, not shifted: 32 bits with the highest one set would come out negative.
  for (let index = 0; index < bytes; index++) {
    length = length * 256 + queue.at(endianness === "be" ? index : bytes - 1 - index);
  }
  return length;
}
