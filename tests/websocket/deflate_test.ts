import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import {
  acceptDeflate,
  compressMessage,
  decompressMessage,
  DEFLATE_OFFER,
  readDeflateAnswer,
} from "../../src/websocket/deflate.ts";

const BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

Deno.test("acceptDeflate() takes the first offer that it can accept, with all four parameters", () => {
  const cases: readonly (readonly [string | undefined, string | undefined, number?])[] = [
    [undefined, undefined],
    ["x-webkit-deflate-frame", undefined],
    ["permessage-deflate", BOTH, 15],
    [DEFLATE_OFFER, BOTH, 15],
    ["permessage-deflate; client_max_window_bits=10", BOTH, 15],
    ['permessage-deflate; server_max_window_bits="10"', `${BOTH}; server_max_window_bits=10`, 10],
    ["permessage-deflate; server_max_window_bits=8", undefined],
    ["permessage-deflate; server_max_window_bits=8, permessage-deflate", BOTH, 15],
    ["permessage-deflate; server_max_window_bits", undefined],
    ["permessage-deflate; server_max_window_bits=16", undefined],
    ["permessage-deflate; server_max_window_bits=010", undefined],
    ["permessage-deflate; client_max_window_bits=7", undefined],
    ["permessage-deflate; server_no_context_takeover=1", undefined],
    ["permessage-deflate; server_no_context_takeover; server_no_context_takeover", undefined],
    ["permessage-deflate; unknown, x; y=1, permessage-deflate", BOTH, 15],
  ];
  for (const [offer, response, windowBits] of cases) {
    const agreed = acceptDeflate(offer);
    assertEquals([offer, agreed?.response, agreed?.windowBits], [offer, response, windowBits]);
  }
});

Deno.test("readDeflateAnswer() accepts what was offered, and reports an invalid answer", () => {
  assertEquals(readDeflateAnswer(BOTH), { windowBits: 15 });
  assertEquals(readDeflateAnswer(`${BOTH}; client_max_window_bits=9; server_max_window_bits=8`), { windowBits: 9 });
  assertEquals(readDeflateAnswer(`${BOTH}; client_max_window_bits=8`), { windowBits: undefined });
  for (
    const wrong of [
      "permessage-deflate",
      "x",
      `${BOTH}, x`,
      `${BOTH}; a=1`,
      `${BOTH}; client_max_window_bits`,
      `${BOTH}; client_max_window_bits=16`,
      `${BOTH}; server_no_context_takeover`,
    ]
  ) assertEquals("fault" in readDeflateAnswer(wrong), true, wrong);
});

Deno.test("a message is restored unchanged, whatever its length and the window", () => {
  for (const windowBits of [9, 12, 15]) {
    for (const length of [64, 100, 1_000, 70_000]) {
      const data = utf8("hello hello ".repeat(length).slice(0, length));
      const payload = compressMessage(data, windowBits);
      assertEquals(payload !== undefined && payload.length < data.length, true);
      assertEquals(new Uint8Array(decompressMessage(payload ?? data, length)), data);
      assertThrows(() => decompressMessage(payload ?? data, length - 1), Error, "larger than allowed");
    }
  }
  assertEquals(compressMessage(utf8("short"), 15), undefined);
  assertEquals(compressMessage(crypto.getRandomValues(new Uint8Array(1_000)), 15), undefined);
  assertThrows(() => decompressMessage(Uint8Array.of(0xff, 0xff), 100), Error, "not valid permessage-deflate data");
});
