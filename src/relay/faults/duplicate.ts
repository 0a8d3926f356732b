import { concat, NO_BYTES } from "../../base/bytes.ts";
import { defineFault } from "./fault.ts";

/** Sends parts of the stream twice. */
export const duplicate = defineFault({
  name: "duplicate",
  summary: "forward a SHARE of the blocks of bytes twice",
  needsFirst: true,
  attributes: {
    blocks: { type: "share", help: "share of the blocks" },
    size: { type: "size", default: 64, help: "bytes of a block" },
  },
  stage({ blocks = 0, size }, { next, draw, offset: startOffset }) {
    const blockBytes = Math.max(1, size);
    let offset = startOffset;
    /** The part of the current block to be repeated. */
    let seen: Uint8Array = NO_BYTES;
    return {
      async data(bytes, isText) {
        if (bytes.length === 0) await next.data(bytes, isText);
        for (let at = 0; at < bytes.length;) {
          const length = blockBytes - offset % blockBytes;
          const piece = bytes.subarray(at, at + length);
          const isTwice = draw(Math.floor(offset / blockBytes)) < blocks;
          at += piece.length;
          offset += piece.length;
          if (isTwice) seen = concat([seen, piece]);
          const isWhole = piece.length === length;
          await next.data(piece, isText);
          if (!isTwice || !isWhole) continue;
          const block = seen;
          seen = NO_BYTES;
          await next.data(block, isText);
        }
      },
      async end(ending) {
        if (seen.length > 0 && ending.how === "end") await next.data(seen, false);
        await next.end(ending);
      },
    };
  },
});
