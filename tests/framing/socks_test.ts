import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { FrameError } from "../../src/base/errors.ts";
import {
  encodeSocks4Request,
  encodeSocksDatagram,
  encodeSocksGreeting,
  encodeSocksLogIn,
  encodeSocksRequest,
  parseSocks4Reply,
  parseSocksChoice,
  parseSocksDatagram,
  parseSocksGreeting,
  parseSocksLogIn,
  parseSocksRequest,
  socksReplyText,
} from "../../src/framing/socks.ts";

/** What each start of a message gives; only the last is whole. */
function assertWholeAtLast<T>(bytes: Uint8Array, parse: (bytes: Uint8Array) => T | undefined, expected: T): void {
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(parse(bytes.subarray(0, length)), undefined, `${length} bytes`);
  }
  assertEquals(parse(bytes), expected);
  assertEquals(parse(Uint8Array.of(...bytes, 7, 7)), expected);
}

Deno.test("the messages of SOCKS have the bytes of RFC 1928 and RFC 1929", () => {
  assertEquals([...encodeSocksGreeting([0, 2])], [5, 2, 0, 2]);
  assertEquals([...encodeSocksLogIn("me", "pw!")], [1, 2, 0x6d, 0x65, 3, 0x70, 0x77, 0x21]);
  assertEquals([...encodeSocksRequest(1, { host: "192.0.2.1", port: 443 })], [5, 1, 0, 1, 192, 0, 2, 1, 1, 187]);
  assertEquals([...encodeSocksRequest(1, { host: "ab", port: 80 })], [5, 1, 0, 3, 2, 0x61, 0x62, 0, 80]);
  assertEquals([...encodeSocksRequest(1, { host: "::1", port: 80 })], [5, 1, 0, 4, ...Array(15).fill(0), 1, 0, 80]);
});

Deno.test("parseSocksGreeting() and parseSocksChoice() want more until the message is whole", () => {
  assertWholeAtLast(Uint8Array.of(5, 2, 0, 2), parseSocksGreeting, { methods: Uint8Array.of(0, 2), length: 4 });
  assertWholeAtLast(Uint8Array.of(5, 0), parseSocksGreeting, { methods: new Uint8Array(0), length: 2 });
  assertWholeAtLast(Uint8Array.of(5, 2), (bytes) => parseSocksChoice(bytes), { value: 2, length: 2 });
  assertWholeAtLast(Uint8Array.of(1, 0), (bytes) => parseSocksChoice(bytes, 1), { value: 0, length: 2 });
});

Deno.test("every message of SOCKS with another version is rejected at its first byte", () => {
  const parsers = [parseSocksGreeting, parseSocksChoice, parseSocksLogIn, parseSocksRequest, parseSocks4Reply];
  for (const parse of parsers) assertThrows(() => parse(Uint8Array.of(4)), FrameError, "version 4 of ");
  assertThrows(() => parseSocksChoice(Uint8Array.of(5, 0), 1), FrameError, "instead of 1");
});

Deno.test("parseSocksRequest() rejects an unknown address type as soon as it arrives", () => {
  for (const type of [0, 2, 5]) {
    assertThrows(() => parseSocksRequest(Uint8Array.of(5, 1, 0, type)), FrameError, `address type ${type}`);
  }
});

Deno.test("encodeSocksRequest() and encodeSocksLogIn() take 1 to 255 bytes (NAME_BYTES)", () => {
  const request = (length: number) => encodeSocksRequest(1, { host: "x".repeat(length), port: 1 });
  for (const length of [1, 255]) {
    assertEquals(parseSocksRequest(request(length))?.address.host.length, length);
    const text = "x".repeat(length);
    assertEquals(parseSocksLogIn(encodeSocksLogIn(text, text)), { user: text, password: text, length: 3 + 2 * length });
  }
  for (const length of [0, 256]) {
    assertThrows(() => request(length), RangeError, "1 to 255");
    assertThrows(() => encodeSocksLogIn("x".repeat(length), "x"), RangeError, "1 to 255");
    assertThrows(() => encodeSocksLogIn("x", "x".repeat(length)), RangeError, "1 to 255");
  }
});

Deno.test("SOCKS 4a: a name follows the address 0.0.0.1, and IPv6 is not known", () => {
  assertEquals([...encodeSocks4Request({ host: "192.0.2.1", port: 443 }, "me")], [
    ...[4, 1, 1, 187, 192, 0, 2, 1],
    ...utf8("me\0"),
  ]);
  assertEquals([...encodeSocks4Request({ host: "ab", port: 80 }, "")], [4, 1, 0, 80, 0, 0, 0, 1, 0, ...utf8("ab\0")]);
  assertThrows(() => encodeSocks4Request({ host: "::1", port: 80 }, ""), RangeError, "IPv6");
});

Deno.test("parseSocks4Reply() reads eight bytes, and reports the reason", () => {
  const reply = (code: number) => Uint8Array.of(0, code, 0, 0, 0, 0, 0, 0);
  assertWholeAtLast(reply(90), parseSocks4Reply, { code: 90, text: "request granted", length: 8 });
  assertEquals(parseSocks4Reply(reply(99))?.text, "unknown reply 99");
});

Deno.test("parseSocksDatagram() decodes what was encoded, and nothing malformed", () => {
  const address = { host: "192.0.2.1", port: 53 };
  const bytes = encodeSocksDatagram(address, utf8("hi"));
  assertEquals(parseSocksDatagram(bytes), { fragment: 0, address, data: utf8("hi") });
  assertEquals(parseSocksDatagram(Uint8Array.of(0, 0, 3, ...bytes.subarray(3)))?.fragment, 3);
  for (const malformed of [new Uint8Array(0), bytes.subarray(0, 9), Uint8Array.of(0, 0, 0, 2, 1, 2, 3, 4, 5, 6)]) {
    assertEquals(parseSocksDatagram(malformed), undefined);
  }
});

Deno.test("socksReplyText() has the words of RFC 1928", () => {
  assertEquals([0, 5, 8, 9].map(socksReplyText), [
    "succeeded",
    "connection refused",
    "address type not supported",
    "unassigned reply code 9",
  ]);
});
