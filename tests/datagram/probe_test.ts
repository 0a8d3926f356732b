import { assertEquals } from "@std/assert";
import { toUpperAscii } from "../../src/base/bytes.ts";
import {
  type Probe,
  PROBE_HEADER_BYTES,
  readProbe,
  STREAM_NUMBERS,
  writeProbe,
} from "../../src/datagram/bench/probe.ts";

Deno.test("readProbe() reads what writeProbe() wrote, in upper case too", () => {
  const probes: Probe[] = [
    { kind: "probe", stream: 0, seq: 0, sentMs: 0 },
    { kind: "question", stream: STREAM_NUMBERS - 1, seq: 2 ** 35 - 1, sentMs: 86_400_000.123 },
    { kind: "probe", stream: 0x6162636, seq: 0x61626364, sentMs: 1_234.567 },
  ];
  for (const probe of probes) {
    const bytes = new Uint8Array(PROBE_HEADER_BYTES);
    writeProbe(bytes, probe);
    assertEquals(readProbe(bytes), probe);
    assertEquals(readProbe(toUpperAscii(bytes)), probe);
  }
});

Deno.test("readProbe() knows what is no probe", () => {
  assertEquals(readProbe(new Uint8Array(PROBE_HEADER_BYTES)), undefined);
  assertEquals(readProbe(new TextEncoder().encode("PLYP")), undefined);
});
