/**
 * The small services of the early Internet: Discard (RFC 863), Character
 * Generator (RFC 864), Daytime (RFC 867) and Time (RFC 868).
 *
 * @module
 */

import { utf8 } from "../base/bytes.ts";
import type { Session } from "../session/session.ts";
import { defineService } from "./service.ts";
import { discardInput } from "./session_input.ts";

/** Reads and discards everything and never answers (RFC 863). */
export const discard = defineService({
  endpoints: ["tcp://127.0.0.1:9009"],
  framing: "raw",
  flags: {},
  create: () => ({ serve: (session) => discardInput(session) }),
});

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
        // A failed read also fails the next write, which ends the loop; the error is rethrown below.
        input.catch(() => {});
        try {
          // A client that has half-closed still reads.
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

/** One period of the pattern: 95 lines of 72 characters, each starting one character later (RFC 864). */
export function chargenPattern(): Uint8Array {
  const ring = Array.from({ length: CHAR_COUNT }, (_, index) => String.fromCharCode(FIRST_CHAR + index)).join("");
  const twice = ring + ring;
  return utf8(
    Array.from({ length: CHAR_COUNT }, (_, from) => `${twice.slice(from, from + LINE_CHARS)}\r\n`).join(""),
  );
}

/** Sends the date and time in one line and closes (RFC 867). */
export const daytime = defineService({
  endpoints: ["tcp://127.0.0.1:9013"],
  framing: "raw",
  takesFraming: false,
  flags: {},
  create: () => ({
    serve(session) {
      session.send(`${formatDaytime(new Date())}\r\n`, true);
      return Promise.resolve();
    },
  }),
});

/** The first format in RFC 867: `Tuesday, February 22, 1982 17:37:43-UTC`. */
export function formatDaytime(date: Date): string {
  const day = date.toLocaleDateString("en-US", { dateStyle: "full", timeZone: "UTC" });
  return `${day} ${date.toISOString().slice(11, 19)}-UTC`;
}

/** Seconds from 1900-01-01 to 1970-01-01, both 00:00 UTC (RFC 868). */
const SECONDS_1900_TO_1970 = 2_208_988_800;

/** Sends the seconds since 1900 as a 32-bit big-endian number and closes (RFC 868). */
export const time = defineService({
  endpoints: ["tcp://127.0.0.1:9037"],
  framing: "raw",
  takesFraming: false,
  flags: {},
  create: () => ({
    serve(session) {
      session.send(encodeTime(Date.now()));
      return Promise.resolve();
    },
  }),
});

/** Encodes milliseconds since 1970 as RFC 868 does; the 32 bits wrap around in 2036. */
export function encodeTime(unixMs: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Math.floor(unixMs / 1_000) + SECONDS_1900_TO_1970);
  return bytes;
}
