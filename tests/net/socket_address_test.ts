import { assertEquals } from "@std/assert";
import { readSocketAddress, socketPort } from "../../src/net/socket_address.ts";

const path = (text: string) => new TextEncoder().encode(text);

Deno.test("readSocketAddress() reads paths up to their NUL or the end, and names without a file", () => {
  const read = (...bytes: number[]) => readSocketAddress(Uint8Array.from(bytes), "linux");
  assertEquals(read(1, 0, ...path("/tmp/x"), 0, 7), { family: "unix", path: "/tmp/x" });
  assertEquals(read(1, 0, ...path("/tmp/x")), { family: "unix", path: "/tmp/x" });
  assertEquals(read(1, 0, 0, ...path("name"), 0), { family: "unix", path: "@name" });
  assertEquals(read(1, 0, 0, 0, 0), { family: "unix", path: "" });
});

Deno.test("readSocketAddress() reads both families of IP, on both systems, and makes a mapped address IPv4", () => {
  const inet = [0, 80, 192, 0, 2, 1];
  const expected = { family: "inet", address: Uint8Array.of(192, 0, 2, 1), port: 80 } as const;
  assertEquals(readSocketAddress(Uint8Array.of(2, 0, ...inet), "linux"), expected);
  assertEquals(readSocketAddress(Uint8Array.of(16, 2, ...inet), "darwin"), expected);
  const inet6 = (address: number[]) => [1, 187, 0, 0, 0, 0, ...address, 0, 0, 0, 0];
  const mapped = [...Array(10).fill(0), 255, 255, 192, 0, 2, 1];
  const own = [0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 7];
  for (const [os, head] of [["linux", [10, 0]], ["darwin", [28, 30]]] as const) {
    const read = (address: number[]) => readSocketAddress(Uint8Array.of(...head, ...inet6(address)), os);
    assertEquals(read(own), { family: "inet", address: Uint8Array.from(own), port: 443 });
    assertEquals(read(mapped), { ...expected, port: 443 });
  }
});

Deno.test("readSocketAddress() knows no other family", () => {
  for (const family of [0, 16, 258]) {
    assertEquals(readSocketAddress(Uint8Array.of(family & 255, family >> 8, 0, 0, 0, 0, 0, 0), "linux"), undefined);
  }
  assertEquals([socketPort(Uint8Array.of(2, 0, 1, 2)), socketPort(new Uint8Array(0))], [258, 0]);
});
