import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { socketOptionsOf } from "../../src/commands/socket_flags.ts";

const NONE = { receiveBuffer: undefined, sendBuffer: undefined, userTimeout: undefined, keepAlive: undefined };

Deno.test("socketOptionsOf() is undefined without flags, and has the value of each", () => {
  assertEquals(socketOptionsOf({}), undefined);
  assertEquals(socketOptionsOf(NONE), undefined);
  for (const flags of [{ receiveBuffer: 1 }, { sendBuffer: 2 }, { userTimeout: 3 }]) {
    assertEquals(socketOptionsOf(flags), { ...NONE, ...flags });
  }
});

Deno.test("socketOptionsOf() reads --keep-alive as off, or IDLE,INTERVAL,COUNT in whole seconds", () => {
  assertEquals(socketOptionsOf({ keepAlive: "off" }), { ...NONE, keepAlive: false });
  const keepAlive = { idle: 60, interval: 1, count: 5 };
  assertEquals(socketOptionsOf({ keepAlive: "1m,1s,5" }), { ...NONE, keepAlive });
  for (const text of ["", "on", "60s", "60s,10s", "60s,10s,0", "60s,10s,-1", "60s,10s,1.5", "60s,10s,5,6"]) {
    const message = `--keep-alive: Cannot use "${text}": expected off, or IDLE,INTERVAL,COUNT as in 60s,10s,5`;
    assertThrows(() => socketOptionsOf({ keepAlive: text }), UsageError, message);
  }
  for (const [text, part] of [["1500ms,1s,5", "1500ms"], ["1s,0s,5", "0s"], ["1s,10ms,5", "10ms"]] as const) {
    const message = `--keep-alive: Cannot use "${part}": the kernel counts whole seconds`;
    assertThrows(() => socketOptionsOf({ keepAlive: text }), UsageError, message);
  }
});
