import { assertEquals, assertThrows } from "@std/assert";
import { ByteBuilder, parseFraming } from "@parley/parley";
import { decodeAll } from "../support/decoding.ts";
import { cutRandomly, randomBelow } from "../support/random.ts";

Deno.test("parseFraming() knows every framing by its name", () => {
  for (const name of ["raw", "line", "length:2be", "length:2le", "length:4be", "length:4le", "fixed:16"]) {
    assertEquals(parseFraming(name).name, name);
  }
  assertEquals(decodeAll(parseFraming("delimiter:\\0"), [Uint8Array.of(65, 0, 66, 0)]), ["A", "B"]);
  assertEquals(decodeAll(parseFraming("delimiter:END"), [new TextEncoder().encode("aENDb")]), ["a", "b"]);
});

Deno.test("parseFraming() rejects unknown framings", () => {
  const wrong = ["", "lines", "length:3be", "length:4", "fixed:0", "fixed:-1", "fixed:", "delimiter:", "LINE"];
  for (const text of wrong) assertThrows(() => parseFraming(text), SyntaxError, `Cannot parse framing "${text}"`);
  assertThrows(() => parseFraming("delimiter:\\q"), SyntaxError);
});

Deno.test("parseFraming() limits messages to maxBytes", () => {
  const bytes = new TextEncoder().encode("12345\n123456\nok\n");
  assertEquals(decodeAll(parseFraming("line", { maxBytes: 5 }), [bytes]), ["12345", "lost", "ok"]);
});

Deno.test("parseFraming() ends a stream without an end at four times maxBytes, and at 16 KiB at least", () => {
  for (const framing of ["line", "delimiter:;"]) {
    for (const [maxBytes, hardBytes] of [[10_000, 40_000], [5, 16_384]] as const) {
      const end = framing === "line" ? "\n" : ";";
      const decode = (length: number) =>
        decodeAll(parseFraming(framing, { maxBytes }), [new TextEncoder().encode("x".repeat(length) + end + "ok")]);
      assertEquals(decode(hardBytes), ["lost", "ok"], framing);
      assertEquals(decode(hardBytes + 1).map((text) => text.split(":")[0]), ["lost", "FrameError"], framing);
    }
  }
});

Deno.test("every framing decodes the same messages, however the stream is split", () => {
  const random = randomBelow(20_261_122);
  for (const name of ["line", "length:2be", "length:2le", "length:4be", "length:4le", "delimiter:\\r\\n", "fixed:7"]) {
    const codec = parseFraming(name);
    for (let round = 0; round < 60; round++) {
      const messages = Array.from(
        { length: 1 + random(20) },
        () => randomText(name === "fixed:7" ? 7 : 1 + random(900)),
      );
      const builder = new ByteBuilder();
      for (const message of messages) codec.encode(new TextEncoder().encode(message), builder);
      const pieces = cutRandomly(builder.take(), 1 + random(2_000), random);
      assertEquals(decodeAll(codec, pieces), messages, `${name}, round ${round}`);
    }
  }

  /** ASCII without control characters, so that it fits every framing. */
  function randomText(length: number): string {
    return String.fromCharCode(...Array.from({ length }, () => 0x20 + random(0x5f)));
  }
});
