import { assertEquals, assertThrows } from "@std/assert";
import fc from "npm:fast-check@4.11.0";
import { concat, latin1, parseHex, utf8 } from "../../src/base/bytes.ts";
import { encodeFields, HpackDecoder } from "../../src/http/hpack.ts";

/** Blocks of one connection with their fields. */
interface Example {
  readonly tableBytes: number;
  readonly blocks: readonly (readonly [hex: string, fields: Readonly<Record<string, string>>])[];
}

const REQUEST = { ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "www.example.com" };
const RESPONSE = {
  ":status": "302",
  "cache-control": "private",
  date: "Mon, 21 Oct 2013 20:13:21 GMT",
  location: "https://www.example.com",
};

/** RFC 7541, appendix C. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  "C.3: requests without Huffman codes": {
    tableBytes: 4096,
    blocks: [
      ["828684410f7777772e6578616d706c652e636f6d", REQUEST],
      ["828684be58086e6f2d6361636865", { ...REQUEST, "cache-control": "no-cache" }],
    ],
  },
  "C.4: requests with Huffman codes": {
    tableBytes: 4096,
    blocks: [
      ["828684418cf1e3c2e5f23a6ba0ab90f4ff", REQUEST],
      ["828684be5886a8eb10649cbf", { ...REQUEST, "cache-control": "no-cache" }],
      ["828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", {
        ...REQUEST,
        ":scheme": "https",
        ":path": "/index.html",
        "custom-key": "custom-value",
      }],
    ],
  },
  "C.6: responses whose fields displace each other in a table of 256 bytes": {
    tableBytes: 256,
    blocks: [
      [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff" +
        "6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        RESPONSE,
      ],
      ["4883640effc1c0bf", { ...RESPONSE, ":status": "307" }],
      [
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdf" +
        "cd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        {
          ...RESPONSE,
          ":status": "200",
          date: "Mon, 21 Oct 2013 20:13:22 GMT",
          "content-encoding": "gzip",
          "set-cookie": "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        },
      ],
    ],
  },
};

for (const [name, { tableBytes, blocks }] of Object.entries(EXAMPLES)) {
  Deno.test(`HpackDecoder reads the examples of RFC 7541, ${name}`, () => {
    const decoder = new HpackDecoder(tableBytes);
    for (const [hex, fields] of blocks) assertEquals(Object.fromEntries(decoder.decode(parseHex(hex))), fields);
  });
}

/** The bytes 0 to 255 in Huffman codes, as the package hpack 4 for Python encodes them. */
const ALL_BYTES = `
ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffebfffffecfff
ffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3fffffe7fffffebfffffed
4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50ddbd7f061c58f265cd9f469d5af66dddbf871e5f9c
ff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ff
ff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1fff
fe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdafffeeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1f
ffdfffff7fffff5ffffecffff07fff87fffe0ffff17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1f
ffff83ffffe1fffebfffe3ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8fffffb7fff97fff8ffff
fe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97fffb3ffffcffffb7fffcdff
ff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfffffb7fffff3fffffe8fff
ffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf
`.replaceAll("\n", "");

const ALL_CODES = parseHex(ALL_BYTES);
/** A field "a" whose value is these Huffman codes. */
const coded = (codes: Uint8Array) =>
  concat([parseHex("000161ff"), Uint8Array.of((codes.length - 127) % 128 | 128, (codes.length - 127) >> 7), codes]);

Deno.test("HpackDecoder reads the Huffman code of every byte", () => {
  const all = latin1(Uint8Array.from({ length: 256 }, (_, byte) => byte));
  assertEquals(new HpackDecoder().decode(coded(ALL_CODES)), [["a", all]]);
});

// The code of "0" is five zeros.
Deno.test("HpackDecoder accepts a Huffman code that is filled up with ones", () => {
  assertEquals(new HpackDecoder().decode(parseHex("0001618107")), [["a", "0"]]);
});

for (
  const [what, hex, words] of [
    ["an index of 0", "80", "there is no header field 0"],
    ["an index behind the table", "be", "there is no header field 62"],
    ["a name behind the table", "7e0161", "there is no header field 62"],
    ["a table larger than the setting (4,097 bytes)", "3fe21f", "the header table is too large"],
    ["a string that is cut off", "0001610378", "the header block is cut off"],
    ["a length that is cut off", "0001617f", "the header block is cut off"],
    ["an integer of more than three bytes", "0001617f80808001", "an integer of the header block is too large"],
    ["a Huffman code that ends the string", "00016184ffffffff", "a Huffman code ends the string"],
    ["a Huffman code that is filled up with more than seven ones", "0001618207ff", "a Huffman code is cut off"],
    ["a Huffman code that is filled up with zeros", "0001618100", "a Huffman code is cut off"],
  ] as const
) {
  Deno.test(`HpackDecoder rejects ${what}`, () => {
    assertThrows(() => new HpackDecoder().decode(parseHex(hex)), SyntaxError, words);
  });
}

Deno.test("HpackDecoder decodes fields of 64 KiB (MAX_FIELDS_BYTES), each with 32 bytes on top, and no more", () => {
  // A field of 4,000 bytes in the table, then its index.
  const stored = concat([parseHex("4001617fa01e"), utf8("x".repeat(3_999))]);
  const first = new HpackDecoder().decode(stored)[0]?.[1].length ?? 0;
  const bytes = 1 + first + 32;
  const times = Math.floor(64 * 1024 / bytes);
  const block = (count: number) => concat([stored, new Uint8Array(count - 1).fill(0xbe)]);
  assertEquals(new HpackDecoder().decode(block(times)).length, times);
  assertThrows(() => new HpackDecoder().decode(block(times + 1)), SyntaxError, "too long");
  const rest = 64 * 1024 - times * bytes;
  for (const [length, isAllowed] of [[rest - 33, true], [rest - 32, false]] as const) {
    const decode = () =>
      new HpackDecoder().decode(concat([block(times), encodeFields([["b", "y".repeat(length)]])])).length;
    if (isAllowed) assertEquals(decode(), times + 1);
    else assertThrows(decode, SyntaxError, "too long");
  }
});

Deno.test("HpackDecoder forgets its fields when the table becomes smaller, and when one does not fit", () => {
  const stored = parseHex("4001610162");
  // The size that the setting allows, 4,096 bytes.
  assertEquals(new HpackDecoder().decode(concat([parseHex("3fe11f"), stored, parseHex("be")])).length, 2);
  for (const displacing of [parseHex("20"), concat([parseHex("4001617fa11f"), utf8("x".repeat(4_128))])]) {
    const decoder = new HpackDecoder();
    assertEquals(decoder.decode(concat([stored, parseHex("be")])).length, 2);
    decoder.decode(displacing);
    assertThrows(() => decoder.decode(parseHex("be")), SyntaxError, "there is no header field 62");
  }
});

Deno.test("HpackDecoder reads what encodeFields() writes", () => {
  const text = fc.string({ maxLength: 400, unit: "grapheme-ascii" });
  fc.assert(fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (fields) => {
    assertEquals(new HpackDecoder().decode(encodeFields(fields)), fields.map((field) => [...field]));
  }));
});

Deno.test("HpackDecoder throws nothing but SyntaxError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      new HpackDecoder().decode(bytes);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }));
});
