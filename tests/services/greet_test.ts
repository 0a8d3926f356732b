import { assertEquals, assertMatch } from "@std/assert";
import { dial, LinePeer } from "../support/peer.ts";
import { startServer } from "../support/in_process.ts";

Deno.test("greet sends the greeting, logs one reply with the peer's address, closes", async () => {
  await using started = await startServer(["greet", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  assertEquals(await peer.line(), "Hey What's up?");
  await peer.send("not much");
  assertEquals(await peer.line(), undefined);
  const logged = await started.server.errorLine(/replied/);
  assertMatch(logged, new RegExp(`peer=tcp://127\\.0\\.0\\.1:${conn.localAddr.port} reply="not much"`));
});

Deno.test("greet lets none of 200 clients wait for another", async () => {
  await using started = await startServer(["greet", "tcp://127.0.0.1:0", "--greeting", "hello", "--log-level", "off"]);
  using conns = new DisposableStack();
  const peers: LinePeer[] = [];
  for (let index = 0; index < 200; index++) peers.push(new LinePeer(conns.use(await dial(started.endpoint))));
  for (const peer of peers) assertEquals(await peer.line(), "hello");
  for (const [index, peer] of [...peers.entries()].reverse()) {
    await peer.send(`reply ${index}`);
    assertEquals(await peer.line(), undefined);
  }
});

Deno.test("greet escapes what a client sends, so that no log line can be forged", async () => {
  await using started = await startServer(["greet", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  await peer.line();
  await peer.send("\x1b[31mred\rinfo forged");
  assertMatch(await started.server.errorLine(/replied/), /reply="\\u001b\[31mred\\rinfo forged"$/);
});

Deno.test("greet leaves cleanly at SIGINT while clients wait", async () => {
  await using started = await startServer(["greet", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  await peer.line();
  started.server.kill("SIGINT");
  assertEquals(await peer.line(), undefined);
  conn.close();
  assertEquals((await started.server.outcome()).code, 0);
});
