/** What holds for every framing, whatever is sent and however the stream is cut; a failure prints its seed. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "npm:fast-check@4.11.0";
import { ByteBuilder, type Codec, FrameError, parseFraming } from "@parley/parley";
import { encodeProxyHeader, mayBeProxyHeader, parseProxyHeader } from "../../src/framing/proxy_header.ts";
import {
  encodeSocksDatagram,
  encodeSocksLogIn,
  encodeSocksRequest,
  parseSocksDatagram,
  parseSocksLogIn,
  parseSocksRequest,
} from "../../src/framing/socks.ts";
import { decodeAll } from "../support/decoding.ts";

const FRAMINGS = [
  "delimiter:aba",
  "line",
  "delimiter:;;",
  "length:1",
  "length:2be",
  "length:4le",
  "length:varint",
  "fixed:3",
];

/** Cuts bytes at places that are given as shares of their length. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => Math.floor(place * bytes.length)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.slice(from, at[index] ?? bytes.length));
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
/** Few letters, so that delimiters and line ends are frequent. */
const letters = fc.array(fc.constantFrom(0x0a, 0x0d, 0x3b, 0x41, 0x61, 0x62, 0x00, 0x03, 0xc3), { maxLength: 40 })
  .map((bytes) => Uint8Array.from(bytes));

/** The messages that the framing can encode, and their encoded bytes. */
function encodeAll(codec: Codec, messages: readonly Uint8Array[]): { said: Uint8Array[]; bytes: Uint8Array } {
  const builder = new ByteBuilder();
  const said = messages.filter((message) => {
    try {
      codec.encode(message, builder);
      return true;
    } catch (error) {
      assert(error instanceof FrameError, String(error));
      return false;
    }
  });
  return { said, bytes: builder.take() };
}

for (const framing of FRAMINGS) {
  const codec = parseFraming(framing);

  Deno.test(`${framing}: encoded messages are decoded, however they are split`, () => {
    fc.assert(fc.property(fc.array(letters, { maxLength: 8 }), places, (messages, where) => {
      // A CR at the end of a line belongs to the line's end.
      const whole = messages.filter((message) => framing !== "line" || message.at(-1) !== 0x0d);
      const { said, bytes } = encodeAll(codec, whole);
      const texts = said.map((message) => new TextDecoder().decode(message));
      assertEquals(decodeAll(codec, cut(bytes, where)), texts);
    }));
  });

  Deno.test(`${framing}: any bytes yield the same messages and the same end, however they are split`, () => {
    fc.assert(fc.property(letters, places, (bytes, where) => {
      assertEquals(decodeAll(codec, cut(bytes, where)), decodeAll(codec, [bytes]));
    }));
  });
}

const port = fc.integer({ min: 0, max: 65_535 });
const ends = fc.oneof(
  fc.record({ host: fc.ipV4(), port }),
  fc.record({ host: fc.constantFrom("::1", "2001:db8::7", "fe80::1:2"), port }),
);
const header = fc.record({
  version: fc.constantFrom(1 as const, 2 as const),
  source: ends,
  destination: ends,
}).filter(({ source, destination }) => source.host.includes(":") === destination.host.includes(":"));

Deno.test("parseProxyHeader() decodes what was encoded, needs more of a partial header, and leaves the rest", () => {
  fc.assert(
    fc.property(header, letters, ({ version, source, destination }, rest) => {
      const bytes = encodeProxyHeader({ version, command: "proxy", addresses: { source, destination } });
      const found = parseProxyHeader(Uint8Array.of(...bytes, ...rest));
      assertEquals(found?.length, bytes.length);
      assertEquals(found?.header.addresses, { source, destination });
      for (let length = 0; length < bytes.length; length++) {
        const part = bytes.subarray(0, length);
        assertEquals([parseProxyHeader(part), mayBeProxyHeader(part)], [undefined, true]);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("parseProxyHeader() throws a FrameError, and nothing else, for an invalid header", () => {
  const changed = fc.tuple(header, fc.nat(), fc.integer({ min: 0, max: 255 }));
  fc.assert(fc.property(changed, ([{ version, source, destination }, at, byte]) => {
    const bytes = encodeProxyHeader({ version, command: "proxy", addresses: { source, destination } });
    bytes[at % bytes.length] = byte;
    try {
      parseProxyHeader(bytes);
    } catch (error) {
      assert(error instanceof FrameError, String(error));
    }
  }));
});

Deno.test("parseSocksRequest() decodes what was encoded, needs more of a partial request, and leaves the rest", () => {
  const host = fc.oneof(fc.ipV4(), fc.constantFrom("::1", "2001:db8::7"), fc.domain());
  fc.assert(fc.property(host, port, fc.integer({ min: 0, max: 8 }), letters, (host, port, code, rest) => {
    const bytes = encodeSocksRequest(code, { host, port });
    const found = parseSocksRequest(Uint8Array.of(...bytes, ...rest));
    assertEquals([found?.code, found?.address, found?.length], [code, { host, port }, bytes.length]);
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(parseSocksRequest(bytes.subarray(0, length)), undefined);
    }
  }));
});

Deno.test("parseSocksDatagram() decodes what was encoded, and accepts any bytes", () => {
  const host = fc.oneof(fc.ipV4(), fc.constantFrom("::1", "2001:db8::7"), fc.domain());
  fc.assert(fc.property(host, port, letters, (host, port, data) => {
    const bytes = encodeSocksDatagram({ host, port }, data);
    assertEquals(parseSocksDatagram(bytes), {
      fragment: 0,
      address: { host, port },
      data: bytes.slice(-data.length || bytes.length),
    });
    for (let length = 0; length < bytes.length - data.length; length++) {
      assertEquals(parseSocksDatagram(bytes.subarray(0, length)), undefined);
    }
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void parseSocksDatagram(bytes)));
});

Deno.test("parseSocksLogIn() decodes names and passwords of 1 to 255 bytes, and needs more of a partial login", () => {
  const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
  fc.assert(fc.property(word, word, (user, password) => {
    const bytes = encodeSocksLogIn(user, password);
    assertEquals(parseSocksLogIn(bytes), { user, password, length: bytes.length });
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(parseSocksLogIn(bytes.subarray(0, length)), undefined);
    }
  }));
  assertEquals(parseSocksLogIn(encodeSocksLogIn("x".repeat(255), "y"))?.user.length, 255);
  assertThrows(() => encodeSocksLogIn("x".repeat(256), "y"), RangeError);
  assertThrows(() => encodeSocksLogIn("x", ""), RangeError);
});
