import { NO_BYTES } from "../base/bytes.ts";
import { ClosedEarlyError, FrameError } from "../base/errors.ts";
import { ByteQueue } from "./byte_queue.ts";
import { appendRuns, type Codec } from "./codec.ts";

/** Messages of `size` bytes each. */
export function fixedCodec(size: number): Codec {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(`Cannot use "${size}" as a fixed message size: it must be 1 byte or more`);
  }
  return {
    name: `fixed:${size}`,
    encodeDecoded: (messages, builder) => appendRuns(messages, NO_BYTES, builder),
    decoder() {
      const queue = new ByteQueue();
      return {
        push: (bytes) => queue.push(bytes),
        next() {
          if (queue.length >= size) return queue.take(size);
          queue.keep();
          return undefined;
        },
        end() {
          if (queue.length === 0) return;
          throw new ClosedEarlyError(
            `The stream ended inside a message: ${queue.length} of ${size} bytes received`,
            { received: queue.length, expected: size },
          );
        },
      };
    },
    encode(message, builder) {
      if (message.length !== size) {
        throw new FrameError(`Cannot send ${message.length} bytes: each message has ${size}`);
      }
      builder.append(message);
    },
  };
}
