import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dial, LinePeer, readTextToEnd } from "../support/peer.ts";
import { runProgram, startServer } from "../support/in_process.ts";

Deno.test("--max-connections lets those beyond wait and serves them when one leaves", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "line", "--max-connections", "2"]);
  const first = new LinePeer(await dial(started.endpoint));
  using second = await dial(started.endpoint);
  using third = await dial(started.endpoint);
  const [inside, waiting] = [new LinePeer(second), new LinePeer(third)];
  await waiting.send("patience");
  await first.send("one");
  await inside.send("two");
  assertEquals([await first.line(), await inside.line()], ["one", "two"]);
  await started.server.errorLine(/full: new connections wait .*max=2/);
  first.conn.close();
  assertEquals(await waiting.line(), "patience");
  await inside.send("still here");
  assertEquals(await inside.line(), "still here");
});

Deno.test("--max-connections 1 serves two endpoints in turn", async () => {
  await using started = await startServer(["echo", ":0", ":0", "--framing", "line", "--max-connections", "1"]);
  const otherEndpoint = await started.server.line();
  for (const endpoint of [started.endpoint, otherEndpoint, started.endpoint]) {
    using conn = await dial(endpoint);
    const peer = new LinePeer(conn);
    await peer.send("hello");
    assertEquals(await peer.line(), "hello");
  }
});

Deno.test("--max-per-ip rejects with a reason if messages are lines", async () => {
  await using started = await startServer(["greet", ":0", "--max-per-ip", "1", "--limit-loopback"]);
  using inside = await dial(started.endpoint);
  const peer = new LinePeer(inside);
  assertEquals(await peer.line(), "Hey What's up?");
  using refused = await dial(started.endpoint);
  assertEquals(await readTextToEnd(refused), "! too many connections from your address: at most 1\n");
  await peer.send("me");
  assertEquals(await peer.line(), undefined);
});

Deno.test("--deny takes precedence over --allow and closes silently", async () => {
  await using started = await startServer(["greet", ":0", "--allow", "127.0.0.0/8", "--deny", "127.0.0.1"]);
  using refused = await dial(started.endpoint);
  assertEquals(await readTextToEnd(refused), "");
});

Deno.test("--allow with a wrong range is a usage error", async () => {
  const { code, stderr } = await runProgram("server", ["greet", ":0", "--allow", "10.0.0.1/8"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'Cannot parse address range "10.0.0.1/8"');
  assert(!stderr.includes("listening"));
});
