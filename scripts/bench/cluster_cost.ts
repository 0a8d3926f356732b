/**
 * The cost of `--cluster` with a dedicated nats-server: of a room, a message, and a member of another server. Prints
 * one JSON object.
 *
 * `deno run --allow-all --v8-flags=--expose-gc scripts/bench/cluster_cost.ts`
 *
 * @module
 */

import { ChatError } from "../../src/chat/chat_error.ts";
import type { History } from "../../src/chat/history.ts";
import { Hub } from "../../src/chat/hub.ts";
import { type Cluster, DEFAULT_LEASE_MS, joinCluster } from "../../src/chat/nats/cluster.ts";
import { parseClusterAddress } from "../../src/chat/nats/cluster_address.ts";
import { Logger } from "../../src/log/logger.ts";
import { FakeSession } from "../../tests/support/fake_session.ts";
import { NatsServer } from "../../tests/support/nats_server.ts";

const ROOMS = 500;
const MESSAGES = 20_000;
const UNDERWAY = 500;
const MEMBERS = 2_000;
const TEXT = "x".repeat(100);

const log = Logger.of("bench");

await using nats = await NatsServer.start();
const first = await join();
await using hub = new Hub({ log, ...first });
const rooms = await roomCost(first.history);
const messages = await messageCost(first.history);
const members = await memberCost();
console.log(JSON.stringify({ ...rooms, ...messages, ...members }));

function join(): Promise<Cluster> {
  const address = parseClusterAddress(nats.url);
  return joinCluster({ address, retention: { maxMessages: 100_000 }, leaseMs: DEFAULT_LEASE_MS, log });
}

async function roomCost(history: History) {
  const heapBefore = heap();
  const fromMs = performance.now();
  for (let room = 0; room < ROOMS; room++) await history.open(`#room${room}`, () => {});
  return {
    roomOpenMs: round((performance.now() - fromMs) / ROOMS),
    roomHeapBytes: Math.round((heap() - heapBefore) / ROOMS),
  };
}

async function messageCost(history: History) {
  const room = await history.open("#busy", () => {});
  const waits: number[] = [];
  let left = MESSAGES;
  const publish = async () => {
    while (left-- > 0) {
      const fromMs = performance.now();
      const outcome = await new Promise((resolve) => room.publish({ from: "ann", text: TEXT }, resolve));
      if (outcome instanceof ChatError) throw outcome;
      waits.push(performance.now() - fromMs);
    }
  };
  const fromMs = performance.now();
  await Promise.all(Array.from({ length: UNDERWAY }, publish));
  const seconds = (performance.now() - fromMs) / 1_000;
  const diskBytesPerMessage = Math.round(await nats.diskBytes() / MESSAGES);
  left = 500;
  waits.length = 0;
  await publish();
  waits.sort((a, b) => a - b);
  return {
    messagesPerSecond: Math.round(MESSAGES / seconds),
    oneAtATimeP50Ms: round(waits[Math.floor(waits.length / 2)] ?? 0),
    oneAtATimeP99Ms: round(waits[Math.floor(waits.length * 0.99)] ?? 0),
    diskBytesPerMessage,
  };
}

/** Joining members of one server, and their cost on another one. */
async function memberCost() {
  const diskBefore = await nats.diskBytes();
  const fromMs = performance.now();
  for (let count = 0; count < MEMBERS; count += 100) {
    await Promise.all(Array.from({ length: 100 }, async (_, index) => {
      const member = hub.enter(new FakeSession());
      await hub.renaming.rename(member, `member${count + index}`);
      // In rooms of a hundred, because events within a room are not a cost of the cluster.
      await hub.join(member, `#crowd${count}`);
    }));
  }
  const memberComeMs = (performance.now() - fromMs) / MEMBERS;
  const diskBytes = await nats.diskBytes() - diskBefore;
  const heapBefore = heap();
  const startMs = performance.now();
  const other = await join();
  await using _history = other.history;
  await using directory = other.directory;
  const otherStartMs = performance.now() - startMs;
  const seen = directory.roomsElsewhere().reduce((sum, room) => sum + room.members, 0);
  if (seen !== MEMBERS) throw new Error(`the other server sees ${seen} members`);
  return {
    memberComeMs: round(memberComeMs),
    memberElsewhereHeapBytes: Math.round((heap() - heapBefore) / MEMBERS),
    memberDiskBytes: Math.round(diskBytes / MEMBERS),
    startMsPerThousandMembers: round(otherStartMs / MEMBERS * 1_000),
  };
}

function heap(): number {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  return Deno.memoryUsage().heapUsed;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
