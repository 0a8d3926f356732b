import { assert, assertEquals } from "@std/assert";
import { writeAll } from "../../../support/peer.ts";
import { runClient } from "../../../support/run_client.ts";
import { scriptedPeer } from "../../../support/scripted_peer.ts";

/** How long `send` took, and what it printed, against a server that sends `pieces` and then stays or closes. */
async function timed(words: readonly string[], pieces: readonly string[], closes = false) {
  await using peer = scriptedPeer(async (conn) => {
    await conn.read(new Uint8Array(64));
    for (const piece of pieces) await writeAll(conn, piece);
    if (closes) conn.close();
    else await conn.read(new Uint8Array(64)).then(() => conn.close());
  });
  const startMs = performance.now();
  const { code, stdout } = await runClient(["send", peer.endpoint, "hi", ...words]);
  assertEquals(code, 0);
  return { ms: performance.now() - startMs, stdout };
}

Deno.test("send without an expectation returns after 250 ms of silence (QUIET_MS) that follow the reply (fault 28)", async () => {
  const { ms, stdout } = await timed([], ["one ", "two"]);
  assertEquals(stdout, "one two");
  assert(ms >= 250 && ms < 1_000, `${ms} ms`);
});

Deno.test("send without an expectation returns at once when the server closes (fault 28)", async () => {
  const { ms, stdout } = await timed(["--wait", "10s"], ["bye"], true);
  assertEquals(stdout, "bye");
  assert(ms < 2_000, `${ms} ms`);
});

Deno.test("send without an expectation returns at once after a complete frame (fault 28)", async () => {
  for (const [framing, reply] of [["line", "yes\n"], ["length:2be", "\0\x03yes"], ["delimiter:;", "yes;"]] as const) {
    const { ms, stdout } = await timed(["--framing", framing, "--wait", "10s"], [reply]);
    assertEquals(stdout, "yes\n");
    assert(ms < 2_000, `${framing}: ${ms} ms`);
  }
});
