import { assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { Impairment, type ImpairmentOptions } from "../../src/datagram/impairment.ts";
import { Impairments } from "../../src/datagram/impairments.ts";

const NONE: ImpairmentOptions = { seed: 7 };

/** The output, as numbers, for the input of numbers from 0. */
async function through(options: Partial<ImpairmentOptions>, count: number, client = 1): Promise<number[]> {
  using impairment = new Impairment({ ...NONE, ...options });
  const flow = impairment.flow(client);
  const out: number[] = [];
  for (let number = 0; number < count; number++) {
    const data = new Uint8Array(new Uint32Array([number]).buffer);
    flow.pass(data, (bytes) => out.push(new Uint32Array(bytes.slice().buffer)[0] ?? -1));
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
  const withMore = await through({ drop: 0.2, dup: 0.1, jitter: 1 }, 2_000);
  assertEquals([...new Set(withMore)].sort((a, b) => a - b), alone);
});

Deno.test("Impairment delivers the asked share twice", async () => {
  const out = await through({ dup: 0.1 }, 2_000);
  assertAlmostEquals(out.length / 2_000, 1.1, 0.03);
  assertEquals([...new Set(out)], ALL);
});

Deno.test("Impairment drops other datagrams for each client and direction, whatever other clients send (fault 42)", async () => {
  const alone = await through({ drop: 0.2 }, 200, 2);
  assertNotEquals(await through({ drop: 0.2 }, 200, 1), alone);
  assertNotEquals(await through({ drop: 0.2, direction: "to-client" }, 200, 2), alone);
  using impairment = new Impairment({ ...NONE, drop: 0.2 });
  const [one, two] = [impairment.flow(1), impairment.flow(2)];
  const out: number[] = [];
  for (let number = 0; number < 200; number++) {
    for (let extra = 0; extra < number % 4; extra++) one.pass(new Uint8Array(1), () => {});
    two.pass(new Uint8Array(1), () => out.push(number));
  }
  assertEquals(out, alone);
});

Deno.test("Impairments.flowOf() numbers senders in the order of arrival (fault 42)", () => {
  const dropped = (senders: readonly string[]) => {
    using impairment = new Impairments([new Impairment({ ...NONE, drop: 0.5 })]);
    const out: number[] = [];
    for (let number = 0; number < 100; number++) {
      for (const sender of senders) {
        impairment.flowOf(sender).pass(new Uint8Array(1), () => sender === senders[1] && out.push(number));
      }
    }
    return out;
  };
  assertEquals(dropped(["a", "b"]), dropped(["x", "y", "z"]));
});

Deno.test("Impairments.flowOf() treats senders differently, and remembers 10,000 (MAX_SENDERS) (fault 42)", () => {
  using impairment = new Impairments([new Impairment({ ...NONE, drop: 0.5 })]);
  const first = impairment.flowOf("0");
  const fates = ["0", "1"].map((sender) => {
    const passed: number[] = [];
    for (let number = 0; number < 100; number++) {
      impairment.flowOf(sender).pass(new Uint8Array(1), () => passed.push(number));
    }
    return passed;
  });
  assertNotEquals(fates[0], fates[1]);
  for (let sender = 2; sender < 10_000; sender++) impairment.flowOf(String(sender));
  assertEquals(impairment.flowOf("0") === first, true);
  impairment.flowOf("10000");
  assertEquals(impairment.flowOf("0") === first, false);
});

Deno.test("Impairment takes as many datagrams again when those that waited have left (fault 42)", async () => {
  for (const options of [{ delay: 5 }, { reorder: 1 }]) {
    using impairment = new Impairment({ ...NONE, ...options, maxQueued: 3 });
    for (let round = 1; round <= 3; round++) {
      for (let count = 1; count <= 4; count++) impairment.flow(count).pass(new Uint8Array(1), () => {});
      assertEquals(impairment.counts.overflowed, round);
      await impairment.whenIdle();
    }
    assertEquals(impairment.counts.passed, 9);
  }
});

for (const share of [0.1, 0.5, 0.9]) {
  Deno.test(`Impairment delivers ${share * 100}% after a later datagram, and loses none (fault 19)`, async () => {
    const out = await through({ reorder: share }, 4_000);
    assertEquals(out.toSorted((a, b) => a - b), Array.from({ length: 4_000 }, (_, index) => index));
    let highest = -1;
    const overtaken = out.filter((number) => number < (highest = Math.max(highest, number))).length;
    assertAlmostEquals(overtaken / 4_000, share, 0.03);
  });
}

Deno.test("Impairment reorders with a share of 100% too (MAX_OVERTAKEN) (fault 19)", async () => {
  const out = await through({ reorder: 1 }, 65);
  assertEquals(out, [64, ...Array.from({ length: 64 }, (_, index) => index)]);
});

Deno.test("Impairment does not count as reordered what nothing has overtaken (OVERTAKE_WITHIN_MS) (fault 19)", async () => {
  using impairment = new Impairment({ ...NONE, reorder: 1 });
  const flow = impairment.flow(1);
  for (let count = 0; count < 2; count++) {
    const arrived = Promise.withResolvers<number>();
    const sentMs = performance.now();
    flow.pass(Uint8Array.of(1), () => arrived.resolve(performance.now() - sentMs));
    const tookMs = await arrived.promise;
    assertEquals(tookMs >= 99 && tookMs < 1_000, true, `${tookMs} ms`);
  }
  assertEquals([impairment.counts.reordered, impairment.counts.passed], [0, 2]);
});

Deno.test("Impairment lets a datagram be overtaken by one of the same client only (fault 19)", () => {
  using impairment = new Impairment({ ...NONE, reorder: 1 });
  impairment.flow(1).pass(Uint8Array.of(1), () => {});
  impairment.flow(2).pass(Uint8Array.of(1), () => {});
  assertEquals(impairment.counts.passed, 0);
  impairment[Symbol.dispose]();
  assertEquals(impairment.counts.discarded, 2);
});

Deno.test("Impairment flips one bit in the asked share", () => {
  using impairment = new Impairment({ ...NONE, corrupt: 0.1 });
  const flow = impairment.flow(1);
  const sent = new Uint8Array(8);
  let wrong = 0;
  for (let count = 0; count < 2_000; count++) {
    flow.pass(sent, (bytes) => {
      const bits = bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
      assertEquals(bits <= 1, true);
      wrong += bits;
    });
  }
  assertAlmostEquals(wrong / 2_000, 0.1, 0.03);
  assertEquals(sent, new Uint8Array(8));
});

Deno.test("Impairment delays each datagram", async () => {
  using impairment = new Impairment({ ...NONE, delay: 30 });
  const arrived = Promise.withResolvers<number>();
  const sentMs = performance.now();
  impairment.flow(1).pass(Uint8Array.of(1), () => arrived.resolve(performance.now()));
  const tookMs = await arrived.promise - sentMs;
  assertEquals(tookMs >= 29 && tookMs < 1_000, true, `${tookMs} ms`);
});

Deno.test("Impairment shares the bandwidth among clients", async () => {
  using impairment = new Impairment({ ...NONE, bitsPerSecond: 80_000 });
  const sentMs = performance.now();
  let lastMs = 0;
  for (let client = 1; client <= 5; client++) {
    impairment.flow(client).pass(new Uint8Array(100), () => lastMs = performance.now());
  }
  await impairment.whenIdle();
  assertEquals(lastMs - sentMs >= 49 && lastMs - sentMs < 1_000, true, `${lastMs - sentMs} ms`);
});

Deno.test("Impairment drops the datagram after as many as may wait, and counts what is discarded (MAX_QUEUED) (fault 42)", () => {
  for (const maxQueued of [undefined, 3]) {
    const limit = maxQueued ?? 10_000;
    using impairment = new Impairment({ ...NONE, delay: 60_000, ...maxQueued && { maxQueued } });
    const flow = impairment.flow(1);
    for (let count = 0; count < limit; count++) flow.pass(new Uint8Array(1), () => {});
    assertEquals(impairment.counts.overflowed, 0);
    flow.pass(new Uint8Array(1), () => {});
    assertEquals(impairment.counts.overflowed, 1);
    impairment[Symbol.dispose]();
    assertEquals(impairment.counts.discarded, limit);
  }
});

for (const options of [{ delay: 5 }, { reorder: 1 }]) {
  const [name] = Object.keys(options);
  Deno.test(`Impairment bounds the bytes that wait because of ${name}, and takes as many again when they have left (MAX_QUEUED_BYTES)`, async () => {
    using impairment = new Impairment({ ...NONE, ...options });
    const mebibyte = new Uint8Array(1024 * 1024);
    for (let round = 1; round <= 2; round++) {
      // A flow of its own for each: 64 of one flow would overtake each other.
      for (let count = 0; count < 64; count++) impairment.flow(count).pass(mebibyte, () => {});
      assertEquals(impairment.counts.overflowed, round - 1);
      impairment.flow(64).pass(mebibyte, () => {});
      assertEquals(impairment.counts.overflowed, round);
      await impairment.whenIdle();
    }
    assertEquals(impairment.counts.passed, 128);
  });
}
