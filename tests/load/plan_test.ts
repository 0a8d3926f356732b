import { assertEquals } from "@std/assert";
import { splitPlan } from "../../src/load/plan.ts";
import { LOAD_PLAN } from "../support/load_plan.ts";

const PLAN = { ...LOAD_PLAN, connections: 10 };

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
