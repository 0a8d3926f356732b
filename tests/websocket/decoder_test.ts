import { assertEquals } from "@std/assert";
import { loadWebSocketCodec } from "../../src/websocket/codec.ts";
import { WebSocketDecoder } from "../../src/websocket/decoder.ts";
import { frameOf } from "../support/websocket_peer.ts";

/** A server's decoder, the texts that came out of it, and after which piece it failed. */
async function decode(pieces: readonly Uint8Array[]) {
  const texts: string[] = [];
  const decoder = new WebSocketDecoder(await loadWebSocketCodec("server"), 64 * 1024, {
    message: ({ data }) => texts.push(new TextDecoder().decode(data)),
    ping: () => texts.push("ping"),
    pong: () => {},
    close: () => {},
  });
  let failedAt: number | undefined;
  for (const [index, piece] of pieces.entries()) {
    decoder.push(piece.slice());
    if (decoder.failure === undefined) continue;
    failedAt = index;
    break;
  }
  return { texts, failedAt, code: decoder.failure?.code };
}

const bytes = (...hex: readonly string[]) => Uint8Array.fromHex(hex.join(""));
const text = (payload: Uint8Array, fin = true) => frameOf({ opcode: 1, fin, payload });
const more = (payload: Uint8Array, fin = false) => frameOf({ opcode: 0, fin, payload });
const chopped = (frame: Uint8Array, ...at: readonly number[]) =>
  [0, ...at].map((from, index) => frame.slice(from, at[index]));

/** Valid, then beyond U+10FFFF, then valid again. */
const [HEAD, BAD, TAIL] = [bytes("cebae1bdb9cf83cebcceb5"), bytes("f4908080"), bytes("656469746564")];
const WHOLE = text(Uint8Array.of(...HEAD, ...BAD, ...TAIL));
const MASKED_HEAD = 6;

const INVALID: Readonly<Record<string, { pieces: readonly Uint8Array[]; failsAt: number }>> = {
  "6.4.1: in the second of three fragments": { pieces: [text(HEAD, false), more(BAD), more(TAIL, true)], failsAt: 1 },
  "6.4.2: in a character that two fragments share": {
    pieces: [text(Uint8Array.of(...HEAD, 0xf4), false), more(bytes("90")), more(bytes("8080")), more(TAIL, true)],
    failsAt: 1,
  },
  "6.4.3: in a piece of one frame": {
    pieces: chopped(WHOLE, MASKED_HEAD + HEAD.length, MASKED_HEAD + HEAD.length + 4),
    failsAt: 1,
  },
  "6.4.4: at the octet that makes it invalid": {
    pieces: chopped(WHOLE, MASKED_HEAD + HEAD.length + 1, MASKED_HEAD + HEAD.length + 2),
    failsAt: 1,
  },
  "in a piece of a continuation": {
    pieces: [text(HEAD, false), ...chopped(more(Uint8Array.of(...BAD, ...TAIL), true), MASKED_HEAD + 2)],
    failsAt: 1,
  },
  "after a ping between fragments": {
    pieces: [text(HEAD, false), frameOf({ opcode: 9, payload: BAD }), more(BAD)],
    failsAt: 2,
  },
  "in a long frame": {
    pieces: chopped(text(Uint8Array.of(...new Uint8Array(60_000).fill(0x61), 0xff, ...TAIL)), 100, 59_999, 60_011),
    failsAt: 2,
  },
  "a message that ends inside a character": { pieces: [text(HEAD, false), more(bytes("f48f"), true)], failsAt: 1 },
};

for (const [name, { pieces, failsAt }] of Object.entries(INVALID)) {
  Deno.test(`WebSocketDecoder rejects invalid UTF-8 as soon as it arrives, ${name} (chat L8)`, async () => {
    const { failedAt, code } = await decode(pieces);
    assertEquals([failedAt, code], [failsAt, 1007]);
  });
}

Deno.test("WebSocketDecoder takes valid text however it is cut, and any bytes that are no text (chat L8)", async () => {
  const words = "κόσμε 語 😀 ".repeat(20);
  const payload = new TextEncoder().encode(words);
  const stream = Uint8Array.of(
    ...text(payload),
    ...text(payload.slice(0, 31), false),
    ...frameOf({ opcode: 9, payload: "" }),
    ...more(payload.slice(31, 33)),
    ...more(payload.slice(33), true),
    ...frameOf({ opcode: 2, fin: false, payload: BAD }),
    ...more(BAD, true),
    ...text(payload),
  );
  const binary = new TextDecoder().decode(Uint8Array.of(...BAD, ...BAD));
  for (const size of [1, 2, 3, 7, 64, stream.length]) {
    const pieces = Array.from(
      { length: Math.ceil(stream.length / size) },
      (_, index) => stream.slice(index * size, (index + 1) * size),
    );
    const { texts, code } = await decode(pieces);
    assertEquals([texts, code], [[words, "ping", words, binary, words], undefined], `${size} bytes at a time`);
  }
});
