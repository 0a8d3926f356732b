import { defineFault } from "./fault.ts";

/** Splits the stream into small chunks. */
export const slice = defineFault({
  name: "slice",
  summary: "split the stream into chunks of SIZE",
  needsFirst: true,
  attributes: {
    size: { type: "size", help: "average bytes per chunk" },
    variation: { type: "size", default: 0, help: "maximum deviation from the average" },
    delay: { type: "duration", default: 0, help: "wait after each chunk" },
  },
  stage({ size = 1, variation, delay }, { next, random, clock, removed }) {
    const drawLength = () => Math.max(1, Math.round(size + (random() * 2 - 1) * Math.min(variation, size - 1)));
    let missing = drawLength();
    return {
      async data(bytes, isText) {
        let at = 0;
        do {
          const piece = bytes.subarray(at, at + missing);
          at += piece.length;
          missing -= piece.length;
          await next.data(piece, isText);
          if (missing > 0) continue;
          missing = drawLength();
          if (delay > 0 && !removed.aborted) await clock.delay(delay, removed);
        } while (at < bytes.length);
      },
      end: (ending) => next.end(ending),
    };
  },
});
