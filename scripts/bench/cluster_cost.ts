/**
 * What `--cluster` costs, against a nats-server of its own: opening a room, storing a message, bytes on disk and in the
 * server's memory. Prints one JSON object.
 *
 * `deno run --allow-all scripts/bench/cluster_cost.ts`
 *
 * @module
 */

import { parseClusterAddress } from "../../src/chat/nats/cluster_address.ts";
import { DEFAULT_LEASE_MS, joinCluster } from "../../src/chat/nats/cluster.ts";
import { ChatError } from "../../src/chat/chat_error.ts";
import { Logger } from "../../src/log/logger.ts";
import { NatsServer } from "../../tests/support/nats_server.ts";

const ROOMS = 500;
const MESSAGES = 20_000;
const UNDERWAY = 500;
const TEXT = "x".repeat(100);

await using nats = await NatsServer.start();
const { history } = await joinCluster({
  address: parseClusterAddress(nats.url),
  retention: { maxMessages: 100_000 },
  leaseMs: DEFAULT_LEASE_MS,
  log: Logger.of("bench"),
});

const heapBefore = Deno.memoryUsage().heapUsed;
const openingMs = performance.now();
for (let room = 0; room < ROOMS; room++) await history.open(`#room${room}`, () => {});
const roomMs = (performance.now() - openingMs) / ROOMS;
const roomBytes = (Deno.memoryUsage().heapUsed - heapBefore) / ROOMS;

const log = await history.open("#busy", () => {});
const waits: number[] = [];
const storingMs = performance.now();
let left = MESSAGES;
async function publish(): Promise<void> {
  while (left-- > 0) {
    const fromMs = performance.now();
    const outcome = await new Promise((resolve) => log.publish({ from: "ann", text: TEXT }, resolve));
    if (outcome instanceof ChatError) throw outcome;
    waits.push(performance.now() - fromMs);
  }
}
await Promise.all(Array.from({ length: UNDERWAY }, publish));
const seconds = (performance.now() - storingMs) / 1_000;
left = 500;
waits.length = 0;
await publish();
waits.sort((a, b) => a - b);

console.log(JSON.stringify({
  roomOpenMs: round(roomMs),
  roomHeapBytes: Math.round(roomBytes),
  messagesPerSecond: Math.round(MESSAGES / seconds),
  oneAtATimeP50Ms: round(waits[Math.floor(waits.length / 2)] ?? 0),
  oneAtATimeP99Ms: round(waits[Math.floor(waits.length * 0.99)] ?? 0),
  diskBytesPerMessage: Math.round(await nats.diskBytes() / MESSAGES),
}));

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
