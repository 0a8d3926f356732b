import { defineFault } from "./fault.ts";

/** Flips single bits. */
export const corrupt = defineFault({
  name: "corrupt",
  summary: "flip one bit in a SHARE of the bytes",
  needsFirst: true,
  attributes: {
    bytes: { type: "share", help: "share of the bytes, for example 0.1%" },
  },
  stage({ bytes: portion = 0 }, { next, random }) {
    /** Distance to the next changed byte, drawn from one to the next, so that chunking does not matter. */
    let missing = gap();

    function gap(): number {
      if (portion >= 1) return 0;
      return portion <= 0 ? Infinity : Math.floor(Math.log(1 - random()) / Math.log(1 - portion));
    }

    return {
      async data(bytes, isText) {
        let changed: Uint8Array | undefined;
        let at = missing;
        for (; at < bytes.length; at += 1 + gap()) {
          changed ??= bytes.slice();
          changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
        }
        missing = at - bytes.length;
        await next.data(changed ?? bytes, isText);
      },
      end: (ending) => next.end(ending),
    };
  },
});
