import { assertEquals } from "@std/assert";
import { toUpperAscii } from "../../../src/base/bytes.ts";
import {
  type Probe,
  PROBE_HEADER_BYTES,
  readProbe,
  STREAM_NUMBERS,
  writeProbe,
} from "../../../src/datagram/bench/probe.ts";

Deno.test("readProbe() reads what writeProbe() wrote, in upper case too", () => {
  const probes: Probe[] = [
    { kind: "probe", stream: 0, seq: 0, sentMs: 0 },
    { kind: "query", stream: STREAM_NUMBERS - 1, seq: 2 ** 35 - 1, sentMs: 86_400_000.123 },
    { kind: "probe", stream: 0x6162636, seq: 0x61626364, sentMs: 1_234.567 },
  ];
  for (const probe of probes) {
    const bytes = new Uint8Array(PROBE_HEADER_BYTES);
    writeProbe(bytes, probe);
    assertEquals(readProbe(bytes), probe);
    assertEquals(readProbe(toUpperAscii(bytes)), probe);
  }
});

Deno.test("readProbe() recognizes datagrams that are not probes", () => {
  assertEquals(readProbe(new Uint8Array(PROBE_HEADER_BYTES)), undefined);
  assertEquals(readProbe(new TextEncoder().encode("PLYP")), undefined);
});

Deno.test("readProbe() recognizes any corrupted bit as corrupted, in header and payload (fault 18)", () => {
  for (const size of [PROBE_HEADER_BYTES, PROBE_HEADER_BYTES + 1, 64]) {
    const bytes = new Uint8Array(size);
    writeProbe(bytes, { kind: "probe", stream: 77, seq: 3, sentMs: 5 });
    for (let bit = 0; bit < size * 8; bit++) {
      const corrupted = bytes.slice();
      corrupted[bit >> 3] = (corrupted[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assertEquals(readProbe(corrupted, (stream) => stream === 77), "corrupted", `bit ${bit} of ${size} bytes`);
    }
  }
});

Deno.test("readProbe() takes a datagram of another stream with other first bytes for none", () => {
  const bytes = new Uint8Array(64);
  writeProbe(bytes, { kind: "probe", stream: 77, seq: 3, sentMs: 5 });
  bytes[0] = 0;
  assertEquals(readProbe(bytes, (stream) => stream === 78), undefined);
});
