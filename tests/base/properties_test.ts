/** What holds for all values of the small parsers; a failure prints its seed. */

import { assert, assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.11.0";
import { concat, formatHex, indexOfBytes, parseHex, unescape } from "../../src/base/bytes.ts";
import { ByteBuilder } from "../../src/base/byte_builder.ts";
import { formatIp, isSameIp, parseIp } from "../../src/base/ip.ts";
import { formatDuration, parseDuration, parseSize } from "../../src/base/units.ts";
import { formatEndpoint, parseEndpoint } from "../../src/net/endpoint.ts";

/** The value, or `undefined` where the text is refused as it may be. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    assert(error instanceof SyntaxError || error instanceof RangeError, String(error));
    return undefined;
  }
}

const bytes = fc.uint8Array({ maxLength: 60 });

Deno.test("parseHex() reverses formatHex()", () => {
  fc.assert(fc.property(bytes, (data) => assertEquals(parseHex(formatHex(data)), new Uint8Array(data))));
});

Deno.test("indexOfBytes() finds the same index as a text search", () => {
  const few = fc.array(fc.constantFrom(0x41, 0x42), { maxLength: 30 }).map((data) => Uint8Array.from(data));
  const text = (data: Uint8Array) => new TextDecoder("latin1").decode(data);
  fc.assert(fc.property(few, few, fc.nat(31), (data, wanted, from) => {
    fc.pre(wanted.length > 0 && from <= data.length);
    assertEquals(indexOfBytes(data, wanted, from), text(data).indexOf(text(wanted), from));
  }));
});

Deno.test("unescape(), parseDuration(), parseSize() and parseEndpoint() refuse text by a SyntaxError or a RangeError", () => {
  const near = fc.stringMatching(/^[0-9a-zµ.:/\\[\]@#?%~ -]{0,40}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (text) => {
      for (const parse of [unescape, parseDuration, parseSize, parseEndpoint]) parsed(() => parse(text) as unknown);
    }),
    { numRuns: 500 },
  );
});

Deno.test("parseDuration() reverses formatDuration(), to half a percent", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (milliseconds) => {
    const found = parseDuration(formatDuration(milliseconds));
    assert(Math.abs(found - milliseconds) <= Math.max(0.005, milliseconds * 0.005), `${found}`);
  }));
});

Deno.test("parseIp() reverses formatIp()", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
    const found = parseIp(text);
    assert(found !== undefined, text);
    assert(isSameIp(formatIp(found), text), `${formatIp(found)} is not ${text}`);
  }));
});

Deno.test("parseEndpoint() reverses formatEndpoint()", () => {
  const host = fc.oneof(fc.ipV4(), fc.constantFrom("::1", "2001:db8::7", "localhost", "db.internal"));
  const endpoint = fc.record({
    scheme: fc.constantFrom("tcp", "tls", "udp", "ws", "wss"),
    host,
    port: fc.integer({ min: 0, max: 65_535 }),
    path: fc.webPath(),
  });
  fc.assert(fc.property(endpoint, ({ scheme, host, port, path }) => {
    const shown = host.includes(":") ? `[${host}]` : host;
    const isWeb = scheme === "ws" || scheme === "wss";
    const first = parseEndpoint(`${scheme}://${shown}:${port}${isWeb ? path : ""}`);
    assertEquals(parseEndpoint(formatEndpoint(first)), first);
  }));
});

/** Takes and gives back in any order: what was taken must stay as it was until it is given back. */
Deno.test("ByteBuilder keeps taken bytes separate from later appended ones", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("append" as const), data: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ do: fc.constant("byte" as const), data: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
    fc.record({ do: fc.constant("take" as const) }),
    fc.record({ do: fc.constant("give back" as const) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const builder = new ByteBuilder();
    let pending: Uint8Array<ArrayBuffer>[] = [];
    const taken: { found: Uint8Array<ArrayBuffer>; wanted: Uint8Array }[] = [];
    for (const one of steps) {
      if (one.do === "take") {
        taken.push({ found: builder.take(), wanted: concat(pending) });
        pending = [];
      } else if (one.do === "give back") {
        const last = taken.pop();
        if (last !== undefined) builder.recycle(last.found);
      } else {
        pending.push(new Uint8Array(one.data));
        if (one.do === "byte") builder.appendByte(one.data[0] ?? 0);
        else builder.append(one.data);
      }
      assertEquals(builder.length, concat(pending).length);
      for (const { found, wanted } of taken) assertEquals(found, wanted);
    }
    assertEquals(builder.take(), concat(pending));
  }));
});
