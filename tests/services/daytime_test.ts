import { assertEquals, assertMatch } from "@std/assert";
import { formatDaytime } from "../../src/services/daytime.ts";
import { dial, readTextToEnd } from "../support/peer.ts";
import { startServer } from "../support/program.ts";

Deno.test("formatDaytime() gives the first form of RFC 867", () => {
  assertEquals(formatDaytime(new Date(Date.UTC(1982, 1, 22, 17, 37, 43))), "Monday, February 22, 1982 17:37:43-UTC");
});

Deno.test("daytime sends one line and closes", async () => {
  await using started = await startServer(["daytime", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  assertMatch(await readTextToEnd(conn), /^\w+day, \w+ \d{1,2}, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/);
});
