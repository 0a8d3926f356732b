import { assertEquals } from "@std/assert";
import { type LoadPlan, splitPlan } from "../../src/load/plan.ts";

const PLAN: LoadPlan = {
  endpoint: { scheme: "tcp", host: "127.0.0.1", port: 1, path: "/" },
  connections: 10,
  depth: 1,
  size: 64,
  framing: "raw",
  rate: undefined,
  durationMs: 1_000,
  requests: undefined,
  warmupMs: 0,
  timeoutMs: 1_000,
  connect: {},
  poolSize: undefined,
};

Deno.test("splitPlan() shares out connections, messages and rate, and loses none", () => {
  const parts = splitPlan({ ...PLAN, requests: 101, rate: 300 }, 3);
  assertEquals(parts.map(({ connections }) => connections), [4, 3, 3]);
  assertEquals(parts.map(({ requests }) => requests), [34, 34, 33]);
  assertEquals(parts.map(({ rate }) => rate), [100, 100, 100]);
});

Deno.test("splitPlan() makes no more parts than there are connections or messages", () => {
  assertEquals(splitPlan({ ...PLAN, connections: 2 }, 8).length, 2);
  assertEquals(splitPlan({ ...PLAN, requests: 1 }, 8).length, 1);
});
