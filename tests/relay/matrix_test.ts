/** Faults over each transport, in both directions, as they are seen at the far end. */

import { assert, assertEquals } from "@std/assert";
import type { Direction } from "../../src/relay/mod.ts";
import { type End, type Kind, KINDS, RelayBench } from "../support/relay_ends.ts";
import { countingBytes, runFaults } from "../support/fault_run.ts";

const DATA = countingBytes(4_000);
const DIRECTIONS: readonly Direction[] = ["to-server", "to-client"];

/** Sends the data through a relay with the faults, and returns what arrives at the far end. */
async function through(kind: Kind, direction: Direction, faults: readonly string[], { staysOpen = false } = {}) {
  await using bench = await RelayBench.open(kind, {
    faults: faults.map((fault) => `${fault},direction=${direction}`),
    seed: 5,
  });
  const openedMs = performance.now();
  const { client, server } = await bench.pair();
  const [near, far]: [End, End] = direction === "to-server" ? [client, server] : [server, client];
  const startedMs = performance.now();
  const reading = far.readAll();
  await near.send(DATA);
  if (!staysOpen) await near.endWrite();
  const outcome = await reading;
  const endedMs = performance.now();
  return { ...outcome, tookMs: endedMs - startedMs, sinceOpenMs: endedMs - openedMs };
}

/** For a fault with a time from the opening: a busy machine may need longer to open a pair. */
async function inTime<T>(timeMs: number, run: (timeMs: number) => Promise<T>): Promise<T> {
  try {
    return await run(timeMs);
  } catch (error) {
    if (timeMs > 2_000) throw error;
    return await inTime(timeMs * 4, run);
  }
}

for (const kind of KINDS) {
  for (const direction of DIRECTIONS) {
    const name = (what: string) => `${what} over ${kind} ${direction}`;

    Deno.test(name("latency delays"), async () => {
      const { bytes, tookMs } = await through(kind, direction, ["latency:120ms"]);
      assertEquals(bytes, DATA);
      assert(tookMs >= 119, `${tookMs} ms`);
    });

    Deno.test(name("bandwidth limits the rate"), async () => {
      const { bytes, tookMs } = await through(kind, direction, ["bandwidth:200kbit"]);
      assertEquals(bytes, DATA);
      // 4,000 bytes at 25,000 a second.
      assert(tookMs >= 0.95 * 160, `${tookMs} ms`);
    });

    Deno.test(name("slice leaves every byte"), async () => {
      assertEquals((await through(kind, direction, ["slice:100,variation=50,delay=1ms"])).bytes, DATA);
    });

    for (const then of ["close", "reset"] as const) {
      // A reset destroys what has not been read, and a Unix socket has none to send.
      Deno.test(name(`limit forwards its bytes, then a ${then}`), async () => {
        const { bytes, isReset } = await through(kind, direction, [`limit:1000,then=${then}`], { staysOpen: true });
        if (then === "close") assertEquals([bytes.length, isReset], [1_000, false]);
        else assert(bytes.length <= 1_000 && (isReset || kind === "unix"));
        assertEquals(bytes, DATA.slice(0, bytes.length));
      });
    }

    Deno.test(name("stall forwards its bytes and nothing more"), async () => {
      await using bench = await RelayBench.open(kind, { faults: [`stall,after=1000,direction=${direction}`] });
      const { client, server } = await bench.pair();
      const [near, far] = direction === "to-server" ? [client, server] : [server, client];
      await near.send(DATA);
      assertEquals(await far.readBytes(1_000), DATA.slice(0, 1_000));
      const more = far.readAll();
      assertEquals(await Promise.race([more, new Promise((resolve) => setTimeout(resolve, 30, "nothing"))]), "nothing");
      // The other direction continues.
      await far.send("still here");
      assertEquals(new TextDecoder().decode(await near.readBytes(10)), "still here");
    });

    Deno.test(name("timeout drops everything, then closes"), async () => {
      await inTime(80, async (timeMs) => {
        const outcome = await through(kind, direction, [`timeout:${timeMs}ms`], { staysOpen: true });
        assertEquals([outcome.bytes.length, outcome.isReset], [0, false]);
        // The time runs from the opening.
        assert(outcome.sinceOpenMs >= timeMs - 1, `${outcome.sinceOpenMs} ms`);
      });
    });

    Deno.test(name("reset resets"), async () => {
      await inTime(40, async (timeMs) => {
        const { isReset } = await through(kind, direction, [`reset,time=${timeMs}ms`], { staysOpen: true });
        assert(isReset || kind === "unix");
      });
    });

    Deno.test(name("slow-close delays the end alone"), async () => {
      const { bytes, tookMs } = await through(kind, direction, ["slow-close:90ms"]);
      assertEquals(bytes, DATA);
      assert(tookMs >= 89, `${tookMs} ms`);
    });

    for (const fault of ["corrupt:1%", "duplicate:20%,size=16"]) {
      Deno.test(name(`${fault} does what the seed says, at the far end`), async () => {
        const expected = await runFaults([fault], [DATA], { seed: 5, direction, isMessages: kind === "ws" });
        assertEquals((await through(kind, direction, [fault])).bytes, expected.bytes);
      });
    }
  }

  Deno.test(`delay-accept dials the target late over ${kind}`, async () => {
    await using bench = await RelayBench.open(kind, { faults: ["delay-accept:80ms"] });
    const startedMs = performance.now();
    await bench.pair();
    assert(performance.now() - startedMs >= 79);
  });

  Deno.test(`refuse resets the selected clients over ${kind}, and no others`, async () => {
    await using bench = await RelayBench.open(kind, { faults: ["refuse,only=1"] });
    const outcome = await bench.dial().then((client) => client.readAll(), () => ({ bytes: [], isReset: true }));
    assert(outcome.bytes.length === 0 && (outcome.isReset || kind === "unix"));
    const { client, server } = await bench.pair();
    await client.send("in");
    assertEquals((await server.readBytes(2)).length, 2);
  });
}

Deno.test("message faults work on the messages of a WebSocket", async () => {
  const talk = async (fault: string) => {
    await using bench = await RelayBench.open("ws", { faults: [`${fault},direction=to-server`] });
    const { client, server } = await bench.pair();
    for (const word of ["a", "b", "c", "d"]) await client.send(word);
    const reading = server.readAll();
    await client.endWrite();
    const text = new TextDecoder().decode((await reading).bytes);
    return { text, code: server.session?.closeFrame?.code };
  };
  assertEquals(await talk("message-duplicate:100%"), { text: "aabbccdd", code: 1000 });
  assertEquals(await talk("message-reorder:100%"), { text: "badc", code: 1000 });
  assertEquals(await talk("message-drop:100%"), { text: "", code: 1000 });
  assertEquals(await talk("message-close:4001,after=2"), { text: "ab", code: 4001 });
});

Deno.test("a Close code is forwarded by the relay, both ways", async () => {
  for (const direction of DIRECTIONS) {
    await using bench = await RelayBench.open("ws");
    const { client, server } = await bench.pair();
    const [near, far] = direction === "to-server" ? [client, server] : [server, client];
    near.session?.sendClose({ code: 4321, text: "because" });
    assertEquals(await far.read(), null);
    assertEquals(far.session?.closeFrame, { code: 4321, text: "because" });
  }
});
