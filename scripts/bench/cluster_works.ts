import { type Contender, NATS, ours, type Tools } from "./contenders.ts";
import type { Prepared } from "./prepare.ts";
import { pinned, run, RunningContender } from "./process.ts";
import type { Sample, Work } from "./work.ts";

const SERVERS = 3;
const MEMBERS = 999;
const IN_FLIGHT = 32;
const SECONDS = 2;
/** Maximum time for all to join the room and to receive each other's joins. */
const SETTLE_MS = 6_000;
const FILL = "x".repeat(60);

const TOGETHER: Contender = { ...ours("3 servers, one room", () => []), needs: NATS.needs };
const ALONE: Contender = { ...ours("3 servers alone", () => []), role: "limit" };

function natsWithStream(port: number, { scratch }: Tools): readonly string[] {
  return ["nats-server", "-a", "127.0.0.1", "-p", String(port), "-js", "-sd", `${scratch}/stream-${port}`];
}

/** All members of three servers are in one room, or each server has its own room with a third of them. */
async function sample(contender: Contender, { tools, canPin }: Prepared): Promise<Sample> {
  await using running = new AsyncDisposableStack();
  const start = async (one: Contender) =>
    running.use(await RunningContender.start(one, tools, { canPin, answers: "tcp" })).port;
  const isTogether = contender === TOGETHER;
  const nats = isTogether ? await start({ name: "nats-server", needs: [], command: natsWithStream }) : undefined;
  const flags = nats === undefined ? [] : ["--cluster", `nats://127.0.0.1:${nats}`];
  const ports: number[] = [];
  for (let count = 0; count < SERVERS; count++) {
    ports.push(await start(ours("server", (port) => ["chat", `:${port}`, ...flags])));
  }
  const loads = isTogether ? [{ ports, members: MEMBERS }] : ports.map((port) => ({
    ports: [port],
    members: MEMBERS / SERVERS,
  }));
  const rates = await Promise.all(loads.map(async ({ ports, members }) => {
    const words = ["/nick u%d\\n", `|${FILL}\\n`, String(SETTLE_MS), "|"];
    const figures = [String(members), String(IN_FLIGHT), String(SECONDS)];
    const printed = await run(pinned([tools.built("fanout_load"), ports.join(","), ...figures, ...words], 1, canPin));
    return Number(/([\d.]+) deliveries\/s/.exec(printed)?.[1]);
  }));
  return { rate: rates.reduce((sum, rate) => sum + rate) };
}

/** The cost of NATS. */
export const CLUSTER_WORKS: readonly Work[] = [{
  id: `cluster-${MEMBERS}x${IN_FLIGHT}`,
  title: `three chat servers, ${MEMBERS} members`,
  unit: "deliveries/s",
  better: "more",
  how: { sample },
  contenders: [TOGETHER, ALONE],
  reference: ALONE.name,
  isQuick: false,
}];
