import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { DATAGRAM_FAULT_TYPES, impairmentsOf } from "../../src/relay/datagram_faults.ts";
import type { Direction } from "../../src/relay/faults/fault.ts";
import { EVERYWHERE, parseFaults } from "../../src/relay/faults/parse_fault.ts";

/** Options of {@linkcode through}. */
interface Run {
  readonly seed?: number;
  readonly direction?: Direction;
  readonly client?: number;
  readonly count?: number;
  readonly bytes?: number;
}

/** The output of the faults for datagrams that begin with their number, from 0. */
async function through(specs: readonly string[], run: Run = {}): Promise<Uint8Array[]> {
  const { seed = 7, direction = "to-server", client = 1, count = 200, bytes = 2 } = run;
  const faults = parseFaults(specs, EVERYWHERE, DATAGRAM_FAULT_TYPES);
  using impairments = impairmentsOf(faults, { seed, direction, maxQueued: 1_000 });
  const out: Uint8Array[] = [];
  const flow = impairments?.flow(client);
  for (let number = 0; number < count; number++) {
    const data = new Uint8Array(bytes);
    data[0] = number;
    if (flow === undefined) out.push(data);
    else flow.pass(data, (passed) => out.push(passed));
  }
  await impairments?.whenIdle();
  return out;
}

const ALL = Array.from({ length: 200 }, (_, number) => number);

/** The numbers of the output. */
async function numbers(specs: readonly string[], run?: Run): Promise<(number | undefined)[]> {
  return (await through(specs, run)).map(([number]) => number);
}

for (const spec of ["drop:20%", "duplicate:20%", "reorder:20%", "corrupt:20%"]) {
  Deno.test(`${spec} depends on the seed, the client, the direction and the name`, async () => {
    const first = await through([spec]);
    assertEquals(await through([spec]), first);
    const others: [string, Run][] = [
      [spec, { seed: 8 }],
      [spec, { client: 2 }],
      [spec, { direction: "to-client" }],
      [`${spec},name=other`, {}],
    ];
    for (const [other, run] of others) assertNotEquals(await through([other], run), first);
  });
}

Deno.test("drop, duplicate and corrupt affect their share of the datagrams", async () => {
  assertAlmostEquals((await through(["drop:20%"])).length, 160, 20);
  assertAlmostEquals((await through(["duplicate:20%"])).length, 240, 20);
  const corrupted = (await through(["corrupt:20%"])).filter(([number, rest], at) => number !== at || rest !== 0);
  assertAlmostEquals(corrupted.length, 40, 20);
});

Deno.test("faults work in the order given", async () => {
  const limited = await numbers(["duplicate:100%", "limit:8"]);
  assertEquals(limited, [0, 0, 1, 1]);
  assertEquals(await numbers(["limit:8", "duplicate:100%"]), [0, 0, 1, 1, 2, 2, 3, 3]);
});

Deno.test("limit and stall deliver whole datagrams up to their size, counted per client", async () => {
  assertEquals(await numbers(["limit:4"]), [0, 1]);
  assertEquals(await numbers(["limit:5"]), [0, 1]);
  assertEquals(await numbers(["stall"]), []);
  assertEquals(await numbers(["stall:6"], { client: 9 }), [0, 1, 2]);
});

Deno.test("a fault does not affect the other direction or other clients", async () => {
  assertEquals(await numbers(["drop:100%,direction=to-client"]), ALL);
  assertEquals(await numbers(["drop:100%,only=2-3"]), ALL);
  assertEquals(await numbers(["drop:100%,only=2-3"], { client: 3 }), []);
});

Deno.test("share= selects the same clients for both directions", async () => {
  const affected = async (direction: Direction) => {
    const clients: number[] = [];
    for (let client = 1; client <= 50; client++) {
      if ((await through(["stall,share=40%"], { client, direction, count: 1 })).length === 0) clients.push(client);
    }
    return clients;
  };
  const toServer = await affected("to-server");
  assertAlmostEquals(toServer.length, 20, 10);
  assertEquals(await affected("to-client"), toServer);
});

Deno.test("latency with normal jitter can exceed its standard deviation", async () => {
  const faults = parseFaults(["latency:40ms,jitter=10ms,distribution=normal"], EVERYWHERE, DATAGRAM_FAULT_TYPES);
  using impairments = impairmentsOf(faults, { seed: 1, direction: "to-server", maxQueued: 1_000 });
  const sentMs = performance.now();
  let lastMs = 0;
  for (let count = 0; count < 300; count++) {
    impairments?.flow(count + 1).pass(new Uint8Array(1), () => lastMs = performance.now() - sentMs);
  }
  await impairments?.whenIdle();
  assert(lastMs >= 55, `${lastMs} ms`);
});

Deno.test("bandwidth delays data that exceeds the rate", async () => {
  const startedMs = performance.now();
  // 200 datagrams of 100 bytes at 400,000 bytes a second.
  assertEquals((await through(["bandwidth:3200kbit"], { bytes: 100 })).length, 200);
  assert(performance.now() - startedMs >= 49);
});
