import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { encodeTime } from "../../src/services/time.ts";
import { dial, readToEnd } from "../support/peer.ts";
import { runProgram, startServer } from "../support/program.ts";

Deno.test("encodeTime() gives the examples of RFC 868", () => {
  const seconds = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(0);
  assertEquals(seconds(encodeTime(Date.UTC(1970, 0, 1))), 2_208_988_800);
  assertEquals(seconds(encodeTime(Date.UTC(1976, 0, 1))), 2_398_291_200);
  assertEquals(seconds(encodeTime(Date.UTC(1980, 0, 1))), 2_524_521_600);
  assertEquals(seconds(encodeTime(Date.UTC(1983, 4, 1))), 2_629_584_000);
});

Deno.test("time sends four bytes and closes", async () => {
  await using started = await startServer(["time", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  const bytes = await readToEnd(conn);
  assertEquals(bytes.length, 4);
  const unix = new DataView(bytes.buffer).getUint32(0) - 2_208_988_800;
  assert(Math.abs(unix - Date.now() / 1_000) < 60, `the clocks are ${unix - Date.now() / 1_000} s apart`);
});

Deno.test("time refuses --framing, which would add bytes", async () => {
  const { code, stderr } = await runProgram("server", ["time", ":0", "--framing", "line"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "time takes no --framing");
});
