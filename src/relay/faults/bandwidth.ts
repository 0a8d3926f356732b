import { defineFault } from "./fault.ts";
import { whenAborted } from "./stop_after.ts";

/** Duration of a chunk in milliseconds: coarse enough for a timer, fine enough to resemble a slow link. */
const PIECE_MS = 20;

/** Limits how fast bytes pass. */
export const bandwidth = defineFault({
  name: "bandwidth",
  summary: "forward at most RATE, for example 1Mbit",
  needsFirst: true,
  attributes: {
    rate: { type: "rate", help: "bits per second" },
  },
  stage({ rate = Infinity }, { next, isMessages, clock, removed }) {
    const pieceBytes = isMessages ? Infinity : Math.max(1, Math.floor(rate * PIECE_MS / 1_000));
    // Measured from when the link was last idle, so that timer delays do not accumulate.
    let freeMs = clock.now();
    return {
      async data(bytes, isText) {
        if (rate <= 0) await whenAborted(removed);
        freeMs = Math.max(freeMs, clock.now());
        for (let at = 0; at === 0 || at < bytes.length; at += pieceBytes) {
          const piece = bytes.subarray(at, at + pieceBytes);
          freeMs += piece.length / rate * 1_000;
          const waitMs = freeMs - clock.now();
          if (waitMs > 0 && !removed.aborted) await clock.delay(waitMs, removed);
          await next.data(piece, isText);
        }
      },
      end: (ending) => next.end(ending),
    };
  },
});
