import { normalDeviate } from "../../base/random.ts";
import { DelayLine } from "./delay_line.ts";
import { type AttributeTable, defineFault } from "./fault.ts";

/** Bytes that share one jitter value, so that it does not depend on how reads split the stream. */
const BLOCK_BYTES = 16;

/** Attributes of a delay, for streams and datagrams. */
export const LATENCY_ATTRIBUTES = {
  time: { type: "duration", help: "delay in each direction" },
  jitter: { type: "duration", default: 0, help: "maximum deviation (uniform), or its standard deviation (normal)" },
  distribution: { type: "choice", choices: ["uniform", "normal"], default: "uniform", help: "of the jitter" },
} as const satisfies AttributeTable;

/** Delays data without reordering. */
export const latency = defineFault({
  name: "latency",
  summary: "delay the bytes by TIME",
  needsFirst: true,
  attributes: LATENCY_ATTRIBUTES,
  stage({ time = 0, jitter, distribution }, { next, draw, isMessages, clock, removed, offset: startOffset }) {
    const line = new DelayLine({ clock, removed });
    let offset = startOffset;
    let lastDueMs = 0;

    function delayOf(block: number): number {
      if (jitter === 0) return time;
      const deviation = distribution === "normal"
        ? normalDeviate(draw(2 * block), draw(2 * block + 1))
        : draw(block) * 2 - 1;
      return Math.max(0, time + jitter * deviation);
    }

    function add(bytes: Uint8Array, isText: boolean): Promise<void> {
      const copy = bytes.slice();
      return line.add(lastDueMs, copy.length, () => next.data(copy, isText));
    }

    return {
      get isHolding() {
        return line.isHolding;
      },
      async data(bytes, isText) {
        const nowMs = clock.now();
        let from = 0;
        // A byte is due when all earlier blocks are; split where a block is due later than all before it.
        for (let at = 0; at < bytes.length;) {
          const dueMs = nowMs + delayOf(Math.floor((offset + at) / BLOCK_BYTES));
          if (dueMs > lastDueMs) {
            if (at > from && !isMessages) {
              await add(bytes.subarray(from, at), isText);
              from = at;
            }
            lastDueMs = dueMs;
          }
          at = jitter === 0 ? bytes.length : at + BLOCK_BYTES - (offset + at) % BLOCK_BYTES;
        }
        if (bytes.length === 0) lastDueMs = Math.max(lastDueMs, nowMs + delayOf(Math.floor(offset / BLOCK_BYTES)));
        offset += bytes.length;
        await add(bytes.subarray(from), isText);
      },
      async end(ending) {
        lastDueMs = Math.max(lastDueMs, clock.now() + delayOf(Math.floor(offset / BLOCK_BYTES)));
        await line.add(lastDueMs, 0, () => next.end(ending));
      },
    };
  },
});
