import type { Receiver, Sender } from "ws";
import { concat } from "../../base/bytes.ts";
import { applyMask, copyMasked } from "../../framing/websocket_mask.ts";
import type { Framer } from "../framer.ts";

/** Frame types (RFC 6455, section 5.2). */
export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One of {@linkcode OPCODE}. */
export type Opcode = typeof OPCODE[keyof typeof OPCODE];

/** Reads and writes the frames of one side: a server's are plain, a client's are masked. */
export interface WebSocketCodec {
  /** Which side's frames it writes. */
  readonly role: "server" | "client";
  /** Takes bytes, emits messages and control frames. */
  readonly Receiver: typeof Receiver;
  /** A frame in one or two pieces, the second one the data itself. */
  frame(opcode: Opcode, data: Uint8Array): readonly Uint8Array[];
  /** Frames whole messages. */
  readonly framer: Framer;
}

/**
 * Loads `Receiver` and `Sender` of the package `ws`, which only a program that
 * speaks WebSocket pays for.
 */
export async function loadWebSocketCodec(role: WebSocketCodec["role"]): Promise<WebSocketCodec> {
  const { Receiver, Sender } = await importWs();
  const mask = role === "client";
  const options = Object.fromEntries(
    Object.values(OPCODE).map((opcode) => [opcode, { fin: true, opcode, mask, readOnly: true, rsv1: false }]),
  ) as Record<Opcode, Parameters<typeof Sender.frame>[1]>;
  return {
    role,
    Receiver,
    frame: (opcode, data) => Sender.frame(data, options[opcode]),
    framer: {
      frame: (data, isText) => concat(Sender.frame(data, options[isText ? OPCODE.text : OPCODE.binary])),
    },
  };
}

/**
 * While it loads, `ws` looks for native masking in `node:http`, where Node.js
 * has it and Deno does not, and otherwise reads an environment variable, for
 * which `deno run -N` has no permission. So for that moment `node:http` has
 * our masking: `ws` works with the least of permissions, and masks five times
 * faster than by its own loop.
 */
async function importWs(): Promise<{ Receiver: typeof Receiver; Sender: typeof Sender }> {
  const { default: http } = await import("node:http");
  if ("websocketMask" in http) return await import("ws");
  Object.assign(http, {
    websocketMask: (source: Uint8Array, key: Uint8Array, target: Uint8Array, offset: number) =>
      copyMasked(source, key, target, offset),
    websocketUnmask: applyMask,
  });
  try {
    return await import("ws");
  } finally {
    Reflect.deleteProperty(http, "websocketMask");
    Reflect.deleteProperty(http, "websocketUnmask");
  }
}
