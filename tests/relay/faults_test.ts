import { assert, assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "@parley/parley";
import { FAULT_TYPES } from "../../src/relay/faults/registry.ts";
import { parseFault, parseFaults } from "../../src/relay/faults/parse_fault.ts";
import { countingBytes, cutAtRandom, runFaults } from "../support/fault_run.ts";

const DATA = countingBytes(20_000);

Deno.test("latency delays data and end by its time, and keeps their order", async () => {
  const { pieces, endedAtMs, bytes } = await runFaults(["latency:100ms"], [DATA, DATA]);
  assertEquals(pieces.map(({ atMs }) => atMs), [100, 100]);
  assertEquals([endedAtMs, bytes.length], [100, 40_000]);
});

for (const distribution of ["uniform", "normal"]) {
  Deno.test(`latency draws a ${distribution} jitter around its time, and never reorders`, async () => {
    const messages = Array.from({ length: 400 }, (_, index) => countingBytes(16).fill(index & 0xff));
    const specs = ["slice:16,delay=1s", `latency:100ms,jitter=50ms,distribution=${distribution}`];
    const { pieces } = await runFaults(specs, messages);
    const delays = pieces.map(({ atMs }, index) => atMs - 1_000 * index);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    const deviation = Math.sqrt(delays.reduce((sum, delay) => sum + (delay - mean) ** 2, 0) / delays.length);
    const max = distribution === "normal" ? 300 : 150;
    const expected = distribution === "normal" ? 50 : 50 / Math.sqrt(3);
    assert(delays.every((delay) => delay >= 0 && delay <= max) && Math.abs(mean - 100) < 8, `mean ${mean}`);
    assert(Math.abs(deviation - expected) < 5, `standard deviation ${deviation}`);
    const burst = (await runFaults(specs.slice(1), messages)).pieces.map(({ atMs }) => atMs);
    assertEquals(burst, burst.toSorted((a, b) => a - b));
    assertEquals(pieces.reduce((sum, { bytes }) => sum + bytes.length, 0), 6_400);
  });
}

Deno.test("latency delays a byte by the same time, however the stream was split", async () => {
  const leaveTimes = async (chunks: readonly Uint8Array[]) => {
    const { pieces } = await runFaults(["latency:100ms,jitter=80ms"], chunks, { seed: 3 });
    return pieces.flatMap(({ atMs, bytes }) => Array.from(bytes, () => atMs));
  };
  const whole = await leaveTimes([DATA.subarray(0, 2_000)]);
  assertEquals(await leaveTimes(cutAtRandom(DATA.subarray(0, 2_000), seededRandom(5), 40)), whole);
});

Deno.test("bandwidth forwards at its rate within 5%, whatever the size of the reads", async () => {
  for (const max of [100, 20_000]) {
    const { endedAtMs = 0, bytes } = await runFaults(["bandwidth:800kbit"], cutAtRandom(DATA, seededRandom(1), max));
    assertEquals(bytes, DATA);
    assert(endedAtMs > 190 && endedAtMs < 210, `${endedAtMs} ms for 20,000 bytes at 100,000 a second`);
  }
});

Deno.test("bandwidth does not make up for a pause", async () => {
  const { pieces } = await runFaults(["slice:1000,delay=1s", "bandwidth:800kbit"], [DATA.subarray(0, 2_000)]);
  assertEquals(pieces.at(-1)?.atMs, 1_000 + 20);
});

Deno.test("slice cuts at the same offsets, however the stream was split before", async () => {
  const boundaries = async (chunks: readonly Uint8Array[]) => {
    const { pieces, bytes } = await runFaults(["slice:100,variation=50,delay=1ms"], chunks, { seed: 9 });
    assertEquals(bytes, DATA);
    // A slice ends where time passes.
    let offset = 0;
    return pieces.flatMap(({ bytes, atMs }, index) => {
      offset += bytes.length;
      return atMs === pieces[index + 1]?.atMs ? [] : [offset];
    });
  };
  const expected = await boundaries([DATA]);
  assertEquals(await boundaries(cutAtRandom(DATA, seededRandom(2))), expected);
  const sizes = expected.map((offset, index) => offset - (expected[index - 1] ?? 0)).slice(0, -1);
  assert(sizes.every((size) => size >= 50 && size <= 150) && new Set(sizes).size > 50);
});

for (const then of ["close", "reset"] as const) {
  Deno.test(`limit forwards exactly its bytes, then a ${then}, for N and for N + 1 bytes`, async () => {
    for (const length of [1_000, 1_001, 5_000]) {
      const chunks = cutAtRandom(DATA.subarray(0, length), seededRandom(length));
      const { bytes, ending } = await runFaults([`limit:1000,then=${then}`], chunks, { staysOpen: true });
      assertEquals(bytes, DATA.slice(0, 1_000));
      assertEquals(ending, { how: then });
    }
    const { bytes, ending } = await runFaults([`limit:1000,then=${then}`], [DATA.subarray(0, 999)]);
    assertEquals([bytes.length, ending], [999, { how: "end" }]);
  });
}

Deno.test("limit stalls after its bytes, and holds back the end", async () => {
  const { bytes, ending } = await runFaults(["limit:1000,then=stall"], [DATA], { untilMs: 60_000 });
  assertEquals([bytes.length, ending], [1_000, undefined]);
});

Deno.test("stall forwards nothing", async () => {
  const { bytes, ending } = await runFaults(["stall"], [DATA], { untilMs: 60_000 });
  assertEquals([bytes.length, ending], [0, undefined]);
});

Deno.test("timeout drops all bytes and ends the connection after its time", async () => {
  for (const then of ["close", "reset"] as const) {
    const outcome = await runFaults([`timeout:3s,then=${then}`], [DATA], { staysOpen: true });
    assertEquals([outcome.bytes.length, outcome.ending, outcome.endedAtMs], [0, { how: then }, 3_000]);
  }
});

Deno.test("reset happens at once, after bytes, or after a time", async () => {
  assertEquals((await runFaults(["reset"], [], { staysOpen: true })).endedAtMs, 0);
  const byBytes = await runFaults(["reset:700"], cutAtRandom(DATA, seededRandom(1)), { staysOpen: true });
  assertEquals([byBytes.bytes.length, byBytes.ending], [700, { how: "reset" }]);
  const byTime = await runFaults(["reset,time=2s"], [DATA], { staysOpen: true });
  assertEquals([byTime.bytes.length, byTime.endedAtMs], [DATA.length, 2_000]);
});

Deno.test("slow-close delays the end alone", async () => {
  const { pieces, endedAtMs } = await runFaults(["slow-close:4s"], [DATA]);
  assertEquals([pieces[0]?.atMs, endedAtMs], [0, 4_000]);
});

Deno.test("corrupt flips single bits of its share of the bytes", async () => {
  const { bytes } = await runFaults(["corrupt:1%"], [DATA]);
  const changes = Array.from(bytes, (byte, index) => byte ^ (DATA[index] ?? 0)).filter((change) => change !== 0);
  assertEquals(bytes.length, DATA.length);
  assert(changes.every((change) => (change & (change - 1)) === 0));
  assert(changes.length > 140 && changes.length < 260, `${changes.length} of 20,000`);
  assertEquals((await runFaults(["corrupt:0%"], [DATA])).bytes, DATA);
  const all = (await runFaults(["corrupt:100%"], [DATA])).bytes;
  assert(all.every((byte, index) => byte !== DATA[index]));
});

Deno.test("duplicate repeats whole blocks", async () => {
  assertEquals(
    (await runFaults(["duplicate:100%,size=4"], [DATA.subarray(0, 6)])).bytes,
    Uint8Array.from([
      ...DATA.subarray(0, 4),
      ...DATA.subarray(0, 4),
      ...DATA.subarray(4, 6),
      ...DATA.subarray(4, 6),
    ]),
  );
  const { length } = (await runFaults(["duplicate:25%,size=10"], [DATA])).bytes;
  assert(length > 24_000 && length < 26_000);
});

Deno.test("message faults drop, repeat, swap and close by the message", async () => {
  const messages = ["a", "b", "c", "d"].map((text) => new TextEncoder().encode(text));
  const run = async (spec: string, sent = messages) => {
    const outcome = await runFaults([spec], sent, { isMessages: true, seed: 4 });
    return { text: outcome.pieces.map(({ bytes }) => new TextDecoder().decode(bytes)).join(""), ...outcome };
  };
  assertEquals((await run("message-drop:100%")).text, "");
  assertEquals((await run("message-duplicate:100%")).text, "aabbccdd");
  assertEquals((await run("message-reorder:100%")).text, "badc");
  const closed = await run("message-close:1011,after=2");
  assertEquals([closed.text, closed.ending], ["ab", { how: "close", frame: { code: 1011, text: "" } }]);
  const many = Array.from({ length: 1_000 }, () => messages[0] ?? new Uint8Array());
  const { length } = (await run("message-drop:30%", many)).text;
  assert(length > 640 && length < 760, `${length} of 1,000 passed`);
});

Deno.test("faults work in the order given", async () => {
  const first = await runFaults(["limit:100", "duplicate:100%,size=10"], [DATA], { staysOpen: true });
  assertEquals(first.bytes.length, 200);
  const last = await runFaults(["duplicate:100%,size=10", "limit:100"], [DATA], { staysOpen: true });
  assertEquals(last.bytes.length, 100);
});

const SEEDED = ["corrupt:2%", "duplicate:10%,size=32", "slice:50,variation=40", "limit:3000,share=40%"];

Deno.test("eight runs with one seed are identical for 60 connections each, however reads were cut", async () => {
  const run = async (seed: number, cut: number) => {
    const outcomes: string[] = [];
    for (let connection = 1; connection <= 60; connection++) {
      const chunks = cutAtRandom(DATA.subarray(0, 4_000), seededRandom(cut, connection));
      const { bytes, ending } = await runFaults(SEEDED, chunks, { seed, connection });
      outcomes.push(`${bytes.toBase64()} ${ending?.how}`);
    }
    return outcomes;
  };
  const first = await run(7, 1);
  assertEquals(new Set(first).size, 60);
  for (let cut = 2; cut <= 8; cut++) assertEquals(await run(7, cut), first);
  const other = await run(8, 1);
  assert(other.every((outcome, index) => outcome !== first[index]));
});

Deno.test("a share of the connections is drawn once for both directions, and by the connection", async () => {
  const isCut = async (connection: number, direction: "to-server" | "to-client") =>
    (await runFaults(["limit:10,share=30%"], [DATA.subarray(0, 11)], { connection, direction })).bytes.length === 10;
  let cut = 0;
  for (let connection = 1; connection <= 300; connection++) {
    const toServer = await isCut(connection, "to-server");
    assertEquals(await isCut(connection, "to-client"), toServer);
    if (toServer) cut++;
  }
  assert(cut > 65 && cut < 115, `${cut} of 300`);
});

Deno.test("only selects connections by number, direction selects a direction", async () => {
  const lengths = [];
  for (let connection = 1; connection <= 6; connection++) {
    lengths.push((await runFaults(["limit:5,only=1-2+5"], [DATA.subarray(0, 6)], { connection })).bytes.length);
  }
  assertEquals(lengths, [5, 5, 6, 6, 5, 6]);
  const toClient = ["limit:5,direction=to-client"];
  assertEquals((await runFaults(toClient, [DATA.subarray(0, 6)])).bytes.length, 6);
  assertEquals((await runFaults(toClient, [DATA.subarray(0, 6)], { direction: "to-client" })).bytes.length, 5);
});

Deno.test("parseFault() explains the mistake", () => {
  for (
    const [text, hint] of [
      ["latencey:1s", "did you mean latency?"],
      ["latency", "latency needs a value, as in latency:100ms"],
      ["latency:fast", "Cannot parse duration"],
      ["latency:1s,jiter=1s", "did you mean jitter?"],
      ["latency:1s,time=2s", "time is given twice"],
      ["limit:1KiB,then=explode", "then takes close, reset, stall"],
      ["corrupt:120%", "percentage from 0% to 100%"],
      ["bandwidth:0bit", "Cannot parse rate"],
      ["stall,only=0", "expected numbers from 1"],
      ["stall,direction=up", "to-server, to-client or both"],
      ["stall,", "is not KEY=VALUE"],
      ["refuse:1", "refuse does not accept a value"],
      ["message-close:999", "code cannot be 999"],
      ["", "the faults are latency"],
      ["latency:1ms,every=2", "it takes time, jitter, distribution, direction, share, only, name"],
      ["latency:1ms,shar=5%", "did you mean share?"],
      ["latency=100ms", "write latency:100ms"],
    ]
  ) assertThrows(() => parseFault(text ?? ""), SyntaxError, hint);
});

Deno.test("parseFaults() gives each fault a unique name", () => {
  assertEquals(parseFaults(["stall", "stall", "stall,name=x"]).map(({ name }) => name), ["stall", "stall-2", "x"]);
  assertEquals(new Set(FAULT_TYPES.map(({ name }) => name)).size, FAULT_TYPES.length);
});
