import { ClosedEarlyError, FrameError } from "../base/errors.ts";
import { Backlog } from "./backlog.ts";
import type { Codec } from "./codec.ts";

/** Messages of `size` bytes each. */
export function fixedCodec(size: number): Codec {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(`Cannot use "${size}" as a fixed message size: it must be 1 byte or more`);
  }
  return {
    name: `fixed:${size}`,
    decoder() {
      const backlog = new Backlog();
      return {
        push: (bytes) => backlog.push(bytes),
        next() {
          if (backlog.length >= size) return backlog.take(size);
          backlog.keep();
          return undefined;
        },
        end() {
          if (backlog.length === 0) return;
          throw new ClosedEarlyError(
            `The stream ended inside a message: ${backlog.length} of ${size} bytes came`,
            { received: backlog.length, expected: size },
          );
        },
      };
    },
    encode(message, sink) {
      if (message.length !== size) {
        throw new FrameError(`Cannot send ${message.length} bytes: each message has ${size}`);
      }
      sink.append(message);
    },
  };
}
