import type { LoadPlan } from "../../src/load/plan.ts";

/** A small load, for tests to change what they are about. */
export const LOAD_PLAN: LoadPlan = {
  endpoint: { scheme: "tcp", host: "127.0.0.1", port: 8888, path: "/" },
  connections: 2,
  depth: 1,
  size: 64,
  framing: "raw",
  rate: undefined,
  durationMs: 2_000,
  requests: undefined,
  warmupMs: 0,
  timeoutMs: 1_000,
  connect: {},
  poolSize: undefined,
};
