import type { Session } from "../session/session.ts";
import { utf8 } from "../base/bytes.ts";
import { discardInput } from "./discard_input.ts";
import { defineService } from "./service.ts";

const FIRST_CHAR = 0x20;
const CHAR_COUNT = 95;
const LINE_CHARS = 72;

/** Sends a pattern of characters for as long as the client reads it (RFC 864). */
export const chargen = defineService({
  endpoints: ["tcp://127.0.0.1:9019"],
  framing: "raw",
  takesFraming: false,
  flags: {},
  create() {
    const pattern = chargenPattern();
    let isDraining = false;
    return {
      async serve(session: Session): Promise<void> {
        const end = new AbortController();
        const input = discardInput(session, end.signal);
        // A failed read ends the loop by the failed write; it is rethrown below.
        input.catch(() => {});
        try {
          // A client that has ended only its own side goes on reading.
          while (!isDraining && session.closeReason === undefined) await session.write(pattern, true);
        } finally {
          end.abort();
          await input;
        }
      },
      drain(): void {
        isDraining = true;
      },
    };
  },
});

/** Every line once: 95 lines of 72 characters, each starting one character later (RFC 864). */
export function chargenPattern(): Uint8Array {
  const ring = Array.from({ length: CHAR_COUNT }, (_, index) => String.fromCharCode(FIRST_CHAR + index)).join("");
  const twice = ring + ring;
  return utf8(
    Array.from({ length: CHAR_COUNT }, (_, from) => `${twice.slice(from, from + LINE_CHARS)}\r\n`).join(""),
  );
}
