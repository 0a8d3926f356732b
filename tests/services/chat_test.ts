import { assertEquals, assertMatch } from "@std/assert";
import { enterChat } from "../support/chat_peer.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { startServer } from "../support/program.ts";

Deno.test("chat greets first and puts a guest in #lobby", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  assertMatch(await peer.line() ?? "", /^\* Welcome to Parley, you are guest1;/);
  assertEquals(await peer.line(), "* You are in #lobby with @guest1");
});

Deno.test("chat shows a line to everyone else in the room, once and in order", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  using alice = await enterChat(started.endpoint, "alice");
  using bob = await enterChat(started.endpoint, "bob");
  assertEquals(await alice.until(/joined/), "* guest2 joined #lobby");
  assertEquals(await alice.line(), "* guest2 is now bob");
  await writeAll(alice.conn, "one\r\ntwo\n/me waves\n");
  assertEquals(await bob.line(), "[#lobby] alice: one");
  assertEquals(await bob.line(), "[#lobby] alice: two");
  assertEquals(await bob.line(), "[#lobby] * alice waves");
  await bob.send("hi");
  assertEquals(await alice.line(), "[#lobby] bob: hi");
});

Deno.test("chat lists who is in a room and which rooms there are", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  using alice = await enterChat(started.endpoint, "alice");
  using bob = await enterChat(started.endpoint, "bob");
  await bob.send("/who");
  assertEquals(await bob.line(), "* In #lobby: @alice, bob");
  await bob.send("/join dev");
  assertEquals(await bob.line(), "* You are in #dev with @bob");
  await bob.send("/rooms");
  assertEquals(await bob.line(), "* #lobby has 2 people");
  assertEquals(await bob.line(), "* #dev has 1 person");
  await bob.send("only in dev");
  await bob.send("/leave");
  assertEquals(await bob.line(), "* You left #dev");
  assertEquals(await bob.line(), "* Now you speak in #lobby");
  await bob.send("/msg ALICE psst");
  assertEquals(await alice.until(/^\[/), "[private] bob to alice: psst");
  await bob.send("/quit");
  assertEquals(await bob.until(/Bye/), "* Bye: you left");
  assertEquals(await bob.line(), undefined);
  assertEquals(await alice.line(), "* bob left #lobby");
});

Deno.test("chat refuses names that are none, and those that are taken whatever their case", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  using alice = await enterChat(started.endpoint, "alice");
  {
    using bob = await enterChat(started.endpoint);
    for (const nick of ["", "*", "a b", "é", "x".repeat(33)]) {
      await bob.send(`/nick ${nick}`);
      assertMatch(await bob.line() ?? "", /^! A name has/, nick);
    }
    await bob.send("/nick ALICE");
    assertEquals(await bob.line(), "! The name alice is taken");
    await bob.send("/nick " + "x".repeat(32));
    assertEquals(await bob.line(), `* guest2 is now ${"x".repeat(32)}`);
  }
  await alice.send("/nick Alice");
  assertEquals(await alice.until(/is now A/), "* alice is now Alice");
  await alice.send("/nick other");
  await alice.until(/is now other/);
  using carol = await enterChat(started.endpoint, "alice");
  await carol.send("/xyzzy\n/jion #dev");
  assertEquals(await carol.line(), "! No command is called /xyzzy; /help lists them");
  assertEquals(await carol.line(), "! No command is called /jion; did you mean /join?");
});

Deno.test("chat tells its clients when the server ends, and exits 0", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  const alice = await enterChat(started.endpoint);
  const bob = await enterChat(started.endpoint);
  started.server.kill("SIGTERM");
  for (const peer of [alice, bob]) {
    assertEquals(await peer.until(/Bye/), "* Bye: the server is ending");
    assertEquals(await readTextToEnd(peer.conn), "");
    peer.conn.close();
  }
  assertEquals((await started.server.outcome()).code, 0);
});
