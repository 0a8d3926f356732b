import { assertEquals, assertThrows } from "@std/assert";
import { concat, parseHex, utf8 } from "../../src/base/bytes.ts";
import { FrameError } from "../../src/base/errors.ts";
import {
  encodeProxyHeader,
  mayBeProxyHeader,
  parseProxyHeader,
  PROXY_TLV,
  type ProxyAddress,
  type ProxyHeader,
} from "../../src/framing/proxy_header.ts";
import { randomBelow } from "../support/random.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const ADDRESSES = {
  source: { host: "203.0.113.9", port: 51_234 },
  destination: { host: "192.0.2.1", port: 443 },
};
const ADDRESSES6 = {
  source: { host: "2001:db8::9", port: 51_234 },
  destination: { host: "2001:db8::1", port: 443 },
};

/** Headers of every kind. */
const HEADERS: Readonly<Record<string, ProxyHeader>> = {
  "v1 TCP4": { version: 1, command: "proxy", addresses: ADDRESSES },
  "v1 TCP6": { version: 1, command: "proxy", addresses: ADDRESSES6 },
  "v1 UNKNOWN": { version: 1, command: "proxy" },
  "v2 TCP4": { version: 2, command: "proxy", addresses: ADDRESSES, tlvs: [] },
  "v2 TCP6": { version: 2, command: "proxy", addresses: ADDRESSES6, tlvs: [] },
  "v2 UNIX": {
    version: 2,
    command: "proxy",
    addresses: { source: { path: "" }, destination: { path: "/run/app.sock" } },
    tlvs: [],
  },
  "v2 LOCAL": { version: 2, command: "local", tlvs: [] },
  "v2 UNSPEC": { version: 2, command: "proxy", addresses: undefined, tlvs: [] },
  "v2 with TLVs": {
    version: 2,
    command: "proxy",
    addresses: ADDRESSES,
    tlvs: [{ type: PROXY_TLV.authority, value: utf8("app.example") }, {
      type: PROXY_TLV.noop,
      value: new Uint8Array(0),
    }],
  },
};

for (const [name, header] of Object.entries(HEADERS)) {
  Deno.test(`parseProxyHeader() reads ${name} back, wherever the stream is cut (PROXY protocol)`, () => {
    const bytes = encodeProxyHeader(header);
    for (let cut = 0; cut < bytes.length; cut++) {
      assertEquals(parseProxyHeader(bytes.subarray(0, cut)), undefined);
      assertEquals(mayBeProxyHeader(bytes.subarray(0, cut)), true);
    }
    const { header: read, length } = parseProxyHeader(concat([bytes, utf8("GET / HTTP/1.1")])) ?? {};
    assertEquals(length, bytes.length);
    assertEquals(read, header);
  });
}

Deno.test("encodeProxyHeader() writes the bytes of the specification's example", () => {
  assertEquals(
    new TextDecoder().decode(encodeProxyHeader(HEADERS["v1 TCP4"] ?? { version: 1, command: "local" })),
    "PROXY TCP4 203.0.113.9 192.0.2.1 51234 443\r\n",
  );
  assertEquals(
    encodeProxyHeader({ version: 2, command: "proxy", addresses: ADDRESSES }),
    parseHex(`${SIGNATURE} 21 11 000c cb007109 c0000201 c822 01bb`),
  );
});

Deno.test("parseProxyHeader() accepts a header with the right CRC32c and rejects one with a wrong bit", () => {
  const header: ProxyHeader = { version: 2, command: "proxy", addresses: ADDRESSES };
  const bytes = encodeProxyHeader(header, { withChecksum: true });
  assertEquals(parseProxyHeader(bytes)?.header.addresses, ADDRESSES);
  for (let bit = 0; bit < 8 * (bytes.length - 16); bit++) {
    const wrong = bytes.slice();
    const at = 16 + (bit >> 3);
    wrong[at] = (wrong[at] ?? 0) ^ 1 << (bit & 7);
    // A changed type or length of the TLV makes it another TLV, or one that does not end.
    if (at >= 16 + 12 && at < 16 + 15) continue;
    assertThrows(() => parseProxyHeader(wrong), FrameError, "checksum");
  }
});

Deno.test("parseProxyHeader() makes one address of an IPv4 address and its mapped form", () => {
  const read = parseProxyHeader(utf8("PROXY TCP6 ::ffff:203.0.113.9 2001:db8::1 1 2\r\n"));
  assertEquals(read?.header.addresses?.source, { host: "203.0.113.9", port: 1 });
  const mixed = encodeProxyHeader({
    version: 2,
    command: "proxy",
    addresses: { source: { host: "203.0.113.9", port: 1 }, destination: { host: "2001:db8::1", port: 2 } },
  });
  assertEquals(parseProxyHeader(mixed)?.header.addresses?.source, { host: "203.0.113.9", port: 1 });
});

Deno.test("parseProxyHeader() ignores what follows UNKNOWN, and everything in a LOCAL header", () => {
  const unknown = parseProxyHeader(utf8("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nrest"));
  assertEquals(unknown, { header: { version: 1, command: "proxy" }, length: 35 });
  const local = parseProxyHeader(parseHex(`${SIGNATURE} 20 f7 0003 ffffff`));
  assertEquals(local, { header: { version: 2, command: "local", tlvs: [] }, length: 19 });
});

Deno.test("parseProxyHeader() ignores the address of a datagram header", () => {
  const read = parseProxyHeader(parseHex(`${SIGNATURE} 21 12 000c cb007109 c0000201 c822 01bb`));
  assertEquals(read?.header.addresses, undefined);
});

const INVALID: Readonly<Record<string, Uint8Array>> = {
  "another protocol": utf8("GET / HTTP/1.1\r\n"),
  "lower case": utf8("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
  "two blanks": utf8("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"),
  "LF alone": utf8("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n"),
  "a missing port": utf8("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"),
  "a large port": utf8("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"),
  "a port with a zero before it": utf8("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n"),
  "IPv6 in TCP4": utf8("PROXY TCP4 ::1 ::1 1 2\r\n"),
  "IPv4 in TCP6": utf8("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n"),
  "octal digits": utf8("PROXY TCP4 010.2.3.4 1.2.3.4 1 2\r\n"),
  "a name": utf8("PROXY TCP4 localhost 1.2.3.4 1 2\r\n"),
  "a zone": utf8("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"),
  "a line of 108 bytes": utf8(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`),
  "version 1 in binary": parseHex(`${SIGNATURE} 11 11 0000`),
  "command 2": parseHex(`${SIGNATURE} 22 11 0000`),
  "family 4": parseHex(`${SIGNATURE} 21 41 0000`),
  "protocol 3": parseHex(`${SIGNATURE} 21 13 000c cb007109 c0000201 c822 01bb`),
  "addresses that are cut off": parseHex(`${SIGNATURE} 21 11 000b cb007109 c0000201 c822 01`),
  "a TLV that does not end": parseHex(`${SIGNATURE} 21 11 000f cb007109 c0000201 c822 01bb 040001`),
  "half a TLV": parseHex(`${SIGNATURE} 21 11 000e cb007109 c0000201 c822 01bb 0400`),
  "a checksum of 3 bytes": parseHex(`${SIGNATURE} 21 11 0012 cb007109 c0000201 c822 01bb 030003 000000`),
  "a length above the limit": parseHex(`${SIGNATURE} 21 11 ffff`),
};

for (const [name, bytes] of Object.entries(INVALID)) {
  Deno.test(`parseProxyHeader() rejects ${name}`, () => {
    assertThrows(() => parseProxyHeader(bytes), FrameError);
  });
}

Deno.test("parseProxyHeader() takes a line of 107 bytes (V1_BYTES) and none of 108 without an end", () => {
  const line = utf8(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`);
  assertEquals(line.length, 107);
  assertEquals(parseProxyHeader(line)?.length, 107);
  assertEquals(parseProxyHeader(utf8(`PROXY ${"x".repeat(100)}`)), undefined);
  assertThrows(() => parseProxyHeader(utf8(`PROXY ${"x".repeat(101)}`)), FrameError, "107");
});

Deno.test("a PROXY header of version 2 has 4,096 bytes at most (V2_BYTES)", () => {
  const sized = (bytes: number): ProxyHeader => ({
    version: 2,
    command: "proxy",
    addresses: ADDRESSES,
    tlvs: [{ type: PROXY_TLV.noop, value: new Uint8Array(bytes - 16 - 12 - 3) }],
  });
  const whole = encodeProxyHeader(sized(4_096));
  assertEquals(parseProxyHeader(whole)?.length, 4_096);
  assertThrows(() => encodeProxyHeader(sized(4_097)), RangeError, "too long");
  assertThrows(() => encodeProxyHeader(sized(80_000)), RangeError, "too long");
  const longer = whole.slice();
  longer.set([0x0f, 0xf1], 14);
  // Rejected by its length, before the rest has arrived.
  assertThrows(() => parseProxyHeader(longer.subarray(0, 16)), FrameError, "longer than 4096 bytes: 4097");
});

Deno.test("a PROXY header takes paths of 108 bytes (UNIX_PATH_BYTES), and no ends of different kinds", () => {
  const unix = (length: number) => ({ path: "p".repeat(length) });
  const encode = (version: 1 | 2, source: ProxyAddress, destination: ProxyAddress) =>
    encodeProxyHeader({ version, command: "proxy", addresses: { source, destination } });
  const ends = { source: unix(108), destination: unix(1) };
  assertEquals(parseProxyHeader(encode(2, ends.source, ends.destination))?.header.addresses, ends);
  assertThrows(() => encode(2, unix(109), unix(1)), RangeError, "path is too long");
  for (const [source, destination] of [[unix(1), ADDRESSES.source], [ADDRESSES.source, unix(1)]] as const) {
    assertThrows(() => encode(2, source, destination), RangeError, "one end is a Unix socket");
    assertEquals(encode(1, source, destination), utf8("PROXY UNKNOWN\r\n"));
  }
  assertThrows(
    () => encode(2, { host: "localhost", port: 1 }, ADDRESSES.source),
    RangeError,
    '"localhost" is not an IP',
  );
});

Deno.test("parseProxyHeader() rejects or reads 10,000 damaged headers, and believes no address of a rejected one", () => {
  const random = randomBelow(21);
  const whole = Object.values(HEADERS).map((header) => encodeProxyHeader(header, { withChecksum: true }));
  let rejected = 0;
  for (let round = 0; round < 10_000; round++) {
    const bytes = (whole[random(whole.length)] ?? new Uint8Array(0)).slice();
    for (let damage = 0; damage <= random(3); damage++) bytes[random(bytes.length)] = random(256);
    const cut = bytes.subarray(0, 1 + random(bytes.length));
    for (const input of [bytes, cut]) {
      try {
        const read = parseProxyHeader(input);
        // Version 2 has a checksum here: a damaged header is whole, or of another kind, or rejected.
        if (read !== undefined) assertEquals(read.length <= input.length, true);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        rejected++;
      }
    }
  }
  assertEquals(rejected > 5_000, true, `${rejected} rejected`);
});
