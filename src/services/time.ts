import { defineService } from "./service.ts";

/** Seconds from 1900-01-01 to 1970-01-01, both 00:00 UTC (RFC 868). */
const SECONDS_1900_TO_1970 = 2_208_988_800;

/** Says the seconds since 1900 in 4 bytes, the highest first, and closes (RFC 868). */
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

/** Milliseconds since 1970 as RFC 868 says them; the 32 bits wrap around in 2036, as the protocol does. */
export function encodeTime(unixMs: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Math.floor(unixMs / 1_000) + SECONDS_1900_TO_1970);
  return bytes;
}
