/**
 * Faults of whole WebSocket messages. Each message counts as one, whatever its
 * length: its number in its direction decides.
 *
 * @module
 */

import { defineFault } from "./fault.ts";
import { onAbort } from "../../net/wait.ts";

const SHARE = { messages: { type: "share", help: "share of the messages" } } as const;

/** Drops messages. */
export const messageDrop = defineFault({
  name: "message-drop",
  summary: "drop a SHARE of the WebSocket messages",
  isForMessages: true,
  needsFirst: true,
  attributes: SHARE,
  stage({ messages = 0 }, { next, random }) {
    return {
      data: (bytes, isText) => random() < messages ? Promise.resolve() : next.data(bytes, isText),
      end: (ending) => next.end(ending),
    };
  },
});

/** Sends messages twice. */
export const messageDuplicate = defineFault({
  name: "message-duplicate",
  summary: "forward a SHARE of the WebSocket messages twice",
  isForMessages: true,
  needsFirst: true,
  attributes: SHARE,
  stage({ messages = 0 }, { next, random }) {
    return {
      async data(bytes, isText) {
        await next.data(bytes, isText);
        if (random() < messages) await next.data(bytes, isText);
      },
      end: (ending) => next.end(ending),
    };
  },
});

/** Holds messages back until the next one has passed. */
export const messageReorder = defineFault({
  name: "message-reorder",
  summary: "forward a SHARE of the WebSocket messages after the next one",
  isForMessages: true,
  needsFirst: true,
  attributes: SHARE,
  stage({ messages = 0 }, { next, random, removed }) {
    let held: { readonly bytes: Uint8Array; readonly isText: boolean } | undefined;

    async function release(): Promise<void> {
      const message = held;
      held = undefined;
      if (message !== undefined) await next.data(message.bytes, message.isText);
    }

    onAbort(removed, () => void release().catch(() => {}));
    return {
      async data(bytes, isText) {
        const isHeld = random() < messages && held === undefined;
        if (isHeld && !removed.aborted) {
          held = { bytes: bytes.slice(), isText };
          return;
        }
        await next.data(bytes, isText);
        await release();
      },
      async end(ending) {
        if (ending.how === "end") await release();
        await next.end(ending);
      },
    };
  },
});

/** Closes with a close code. */
export const messageClose = defineFault({
  name: "message-close",
  summary: "close the WebSocket with a code, after some messages",
  isForMessages: true,
  needsFirst: true,
  attributes: {
    code: { type: "integer", min: 1000, max: 4999, help: "code of the Close frame, for example 1011" },
    after: { type: "integer", default: 0, help: "messages that are forwarded before" },
  },
  stage({ code = 1011, after }, { next }) {
    let missing = after;
    let isEnded = false;
    return {
      async data(bytes, isText) {
        if (isEnded) return;
        if (missing-- > 0) await next.data(bytes, isText);
        if (missing > 0) return;
        isEnded = true;
        await next.end({ how: "close", frame: { code, text: "" } });
      },
      end: (ending) => isEnded ? Promise.resolve() : next.end(ending),
    };
  },
});
