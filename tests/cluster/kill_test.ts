import { assert, assertEquals } from "@std/assert";
import { NatsServer } from "../support/nats_server.ts";
import { startServer } from "../support/program.ts";
import { randomBelow } from "../support/random.ts";
import { toolTest } from "../support/tools.ts";
import { ClusterClient } from "./cluster_client.ts";

type Started = Awaited<ReturnType<typeof startServer>>;

const CLIENTS = 200;
const PUBLISHERS = 20;
const MESSAGES_EACH = 3;
const ROUND_MS = 30_000;

async function startServers(count: number, url: string): Promise<Started[] & AsyncDisposable> {
  const servers = await Promise.all(Array.from({ length: count }, () => startOne(url)));
  return Object.assign(servers, {
    [Symbol.asyncDispose]: async () => void await Promise.all(servers.map((server) => server[Symbol.asyncDispose]())),
  });
}

function startOne(url: string): Promise<Started> {
  return startServer(["chat", "tcp://127.0.0.1:0", "--cluster", url, "--log-level", "error"]);
}

/** Publishes during each killing; then everyone must have heard the same. */
async function killDuring(rounds: number, count: number): Promise<void> {
  const random = randomBelow(7);
  await using nats = await NatsServer.start();
  await using servers = await startServers(count, nats.url);
  const pick = () => servers[random(servers.length)]?.endpoint ?? "";
  await using stack = new AsyncDisposableStack();
  const clients = Array.from({ length: CLIENTS }, () => stack.use(new ClusterClient("#load", pick)));
  await Promise.all(clients.map((client) => client.hears(0)));
  for (let round = 0; round < rounds; round++) {
    const underway = clients.slice(0, PUBLISHERS).flatMap((client, index) =>
      Array.from({ length: MESSAGES_EACH }, (_, message) => client.publish(`${round}-${index}-${message}`))
    );
    await underway[random(underway.length)];
    if (round % 3 === 2) {
      await nats.kill();
      await nats.restart();
    } else {
      const victim = random(servers.length);
      await servers[victim]?.[Symbol.asyncDispose]();
      servers[victim] = await startOne(nats.url);
    }
    await inTime(
      Promise.all([...underway, ...clients.map((client) => client.hears((round + 1) * underway.length))]),
      () => `round ${round}: ${[...new Set(clients.map(({ progress }) => progress))].join("; ")}`,
    );
    assertEquals(clients.flatMap(({ faults }) => faults).slice(0, 5), [], `round ${round}`);
  }
  const [first, ...others] = clients.map(({ heard }) => heard);
  assert(first !== undefined);
  assertEquals(new Set(first.map((line) => line.split(" ")[1])).size, rounds * PUBLISHERS * MESSAGES_EACH);
  assertEquals(first.length, rounds * PUBLISHERS * MESSAGES_EACH, "something was stored twice");
  for (const heard of others) assert(heard.join() === first.join(), "two clients heard different orders");
}

for (const [count, rounds] of [[2, 6], [3, 20]] as const) {
  toolTest(
    "nats-server",
    `${count} servers, 200 clients, ${rounds} kills of servers and of NATS: no gap, no duplicate, one order`,
    () => killDuring(rounds, count),
  );
}

async function inTime(work: Promise<unknown>, state: () => string): Promise<void> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`not done after ${ROUND_MS} ms: ${state()}`)), ROUND_MS);
  try {
    await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
