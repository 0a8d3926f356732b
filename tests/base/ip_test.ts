import { assert, assertEquals } from "@std/assert";
import { ipv4OfMapped, isIp, isLoopback, isSameIp, parseIp, splitHostPort, targetAddress } from "../../src/base/ip.ts";

function hex(text: string): string | undefined {
  return parseIp(text)?.toHex();
}

Deno.test("parseIp() reads IPv4 and every form of IPv6", () => {
  const cases: [string, string][] = [
    ["127.0.0.1", "7f000001"],
    ["255.255.255.255", "ffffffff"],
    ["::", "0".repeat(32)],
    ["::1", "1".padStart(32, "0")],
    ["2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1::8", `0001${"0".repeat(24)}0008`],
    ["fe80::", `fe80${"0".repeat(28)}`],
    ["::ffff:1.2.3.4", `${"0".repeat(20)}ffff01020304`],
    ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"],
  ];
  for (const [text, bytes] of cases) assertEquals(hex(text), bytes, text);
});

Deno.test("parseIp() rejects invalid addresses", () => {
  const wrong = [
    "",
    "999.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.256",
    "1.2.3.4 ",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "12345::",
    "g::1",
    "fe80::1%eth0",
    "[::1]",
    "1.2.3.4::",
    "::1.2.3",
    "localhost",
  ];
  for (const text of wrong) assertEquals(isIp(text), false, text);
});

Deno.test("isLoopback() knows 127.0.0.0/8, ::1 and the mapped form", () => {
  for (const text of ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"]) {
    assertEquals(isLoopback(text), true, text);
  }
  for (const text of ["128.0.0.1", "::2", "::", "::ffff:10.0.0.1", "localhost"]) {
    assertEquals(isLoopback(text), false, text);
  }
});

Deno.test("ipv4OfMapped() returns the four bytes, or nothing for a genuine IPv6 address", () => {
  assertEquals(ipv4OfMapped(Uint8Array.of(1, 2, 3, 4)), Uint8Array.of(1, 2, 3, 4));
  assertEquals(ipv4OfMapped(parseIp("::ffff:1.2.3.4") ?? new Uint8Array(16)), Uint8Array.of(1, 2, 3, 4));
  assertEquals(ipv4OfMapped(parseIp("2001:db8::1") ?? new Uint8Array(4)), undefined);
});

Deno.test("isSameIp() compares addresses as bytes, not as text (fault 13)", () => {
  const same: [string, string][] = [
    ["127.0.0.1", "::ffff:127.0.0.1"],
    ["::1", "0:0:0:0:0:0:0:1"],
    ["::1", "0::1"],
    ["FE80::A", "fe80:0::000a"],
    ["::ffff:7f00:1", "127.0.0.1"],
  ];
  for (const [a, b] of same) assert(isSameIp(a, b), `${a} and ${b}`);
  const different: [string, string][] = [["127.0.0.1", "127.0.0.2"], ["::1", "127.0.0.1"], ["::", "0.0.0.0"], [
    "a",
    "a",
  ]];
  for (const [a, b] of different) assert(!isSameIp(a, b), `${a} and ${b}`);
});

Deno.test("targetAddress() replaces an unspecified address by loopback of its family (fault 13)", () => {
  const cases = { "0.0.0.0": "127.0.0.1", "::": "::1", "0::0": "::1", "::ffff:0.0.0.0": "127.0.0.1" };
  for (const [from, to] of Object.entries(cases)) assertEquals(targetAddress(from), to);
  for (const text of ["127.0.0.2", "::1", "::ffff:10.0.0.1", "localhost"]) assertEquals(targetAddress(text), text);
});

Deno.test("splitHostPort() splits a host and an optional port, and rejects other forms", () => {
  const cases: [string, ReturnType<typeof splitHostPort>][] = [
    ["db", { host: "db", port: undefined }],
    ["10.0.0.1:0", { host: "10.0.0.1", port: 0 }],
    ["[::1]", { host: "::1", port: undefined }],
    ["[::1]:65535", { host: "::1", port: 65_535 }],
  ];
  for (const [text, expected] of cases) assertEquals(splitHostPort(text), expected, text);
  for (const text of ["", ":1", "::1", "db:", "db:65536", "[]:1", "[::1]1"]) {
    assertEquals(splitHostPort(text), undefined);
  }
});
