import { assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { Impairment, type ImpairmentOptions } from "../../src/datagram/impairment.ts";

const NONE: ImpairmentOptions = {
  drop: 0,
  dup: 0,
  reorder: 0,
  corrupt: 0,
  delayMs: 0,
  jitterMs: 0,
  bitsPerSecond: undefined,
  seed: 7,
};

/** What comes out, as numbers, when the numbers from 0 go in. */
async function through(options: Partial<ImpairmentOptions>, count: number): Promise<number[]> {
  using impairment = new Impairment({ ...NONE, ...options });
  const out: number[] = [];
  for (let number = 0; number < count; number++) {
    const data = new Uint8Array(new Uint32Array([number]).buffer);
    impairment.pass(data, (bytes) => out.push(new Uint32Array(bytes.slice().buffer)[0] ?? -1));
  }
  await impairment.whenIdle();
  return out;
}

const ALL = Array.from({ length: 2_000 }, (_, index) => index);

Deno.test("Impairment passes everything on in order when nothing is asked for", async () => {
  assertEquals(await through({}, 2_000), ALL);
});

Deno.test("Impairment drops the asked share, the same datagrams for the same seed", async () => {
  const first = await through({ drop: 0.2 }, 2_000);
  assertAlmostEquals(first.length / 2_000, 0.8, 0.03);
  assertEquals(await through({ drop: 0.2 }, 2_000), first);
  assertNotEquals(await through({ drop: 0.2, seed: 8 }, 2_000), first);
});

Deno.test("Impairment drops the same datagrams whatever else is asked for", async () => {
  const alone = await through({ drop: 0.2 }, 2_000);
  const withMore = await through({ drop: 0.2, dup: 0.1, jitterMs: 1 }, 2_000);
  assertEquals([...new Set(withMore)].sort((a, b) => a - b), alone);
});

Deno.test("Impairment delivers the asked share twice", async () => {
  const out = await through({ dup: 0.1 }, 2_000);
  assertAlmostEquals(out.length / 2_000, 1.1, 0.03);
  assertEquals([...new Set(out)], ALL);
});

Deno.test("Impairment lets the next datagram overtake the asked share, losing none", async () => {
  const out = await through({ reorder: 0.1 }, 2_000);
  assertEquals(out.toSorted((a, b) => a - b), ALL);
  const overtaken = out.filter((number, index) => (out[index - 1] ?? -1) > number).length;
  assertAlmostEquals(overtaken / 2_000, 0.1, 0.03);
});

Deno.test("Impairment turns over one bit in the asked share", () => {
  using impairment = new Impairment({ ...NONE, corrupt: 0.1 });
  const sent = new Uint8Array(8);
  let wrong = 0;
  for (let count = 0; count < 2_000; count++) {
    impairment.pass(sent, (bytes) => {
      const bits = bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
      assertEquals(bits <= 1, true);
      wrong += bits;
    });
  }
  assertAlmostEquals(wrong / 2_000, 0.1, 0.03);
  assertEquals(sent, new Uint8Array(8));
});

Deno.test("Impairment holds each datagram back for the delay", async () => {
  using impairment = new Impairment({ ...NONE, delayMs: 30 });
  const arrived = Promise.withResolvers<number>();
  const sentMs = performance.now();
  impairment.pass(Uint8Array.of(1), () => arrived.resolve(performance.now()));
  assertEquals(await arrived.promise - sentMs >= 29, true);
});

Deno.test("Impairment lets only the asked bits a second pass", async () => {
  using impairment = new Impairment({ ...NONE, bitsPerSecond: 80_000 });
  const sentMs = performance.now();
  let lastMs = 0;
  for (let count = 0; count < 5; count++) impairment.pass(new Uint8Array(100), () => lastMs = performance.now());
  await impairment.whenIdle();
  assertEquals(lastMs - sentMs >= 49, true);
});

Deno.test("Impairment drops what comes while 10,000 datagrams are delayed", () => {
  using impairment = new Impairment({ ...NONE, delayMs: 60_000 });
  for (let count = 0; count < 10_010; count++) impairment.pass(new Uint8Array(1), () => {});
  assertEquals(impairment.counts.overflowed, 10);
});

Deno.test("Impairment drops what comes while 64 MiB are delayed", () => {
  using impairment = new Impairment({ ...NONE, delayMs: 60_000 });
  const mebibyte = new Uint8Array(1024 * 1024);
  for (let count = 0; count < 65; count++) impairment.pass(mebibyte, () => {});
  assertEquals(impairment.counts.overflowed, 1);
});
