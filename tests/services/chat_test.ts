import { assertEquals, assertMatch } from "@std/assert";
import { CHAT_WIRES, ServedChat } from "../support/chat_wires.ts";

for (const wire of CHAT_WIRES) {
  const test = (name: string, run: () => Promise<void>) => Deno.test(`chat over ${wire} ${name}`, run);

  test("greets first and puts a guest in #lobby", async () => {
    await using chat = await ServedChat.start(wire);
    const peer = await chat.connect();
    assertMatch(await peer.line() ?? "", /^\* Welcome to Parley, you are guest1;/);
    assertEquals(await peer.line(), "* You are in #lobby with @guest1");
    peer.close();
  });

  test("shows a line to everyone else in the room, once and in order", async () => {
    await using chat = await ServedChat.start(wire);
    using alice = await chat.enter("alice");
    using bob = await chat.enter("bob");
    assertEquals(await alice.until(/joined/), "* guest2 joined #lobby");
    assertEquals(await alice.line(), "* guest2 is now bob");
    await alice.send("one\r\ntwo\n/me waves");
    assertEquals(await bob.line(), "[#lobby] alice: one");
    assertEquals(await bob.line(), "[#lobby] alice: two");
    assertEquals(await bob.line(), "[#lobby] * alice waves");
    await bob.send("hi");
    assertEquals(await alice.line(), "[#lobby] bob: hi");
  });

  test("lists the members of a room and all rooms", async () => {
    await using chat = await ServedChat.start(wire);
    using alice = await chat.enter("alice");
    using bob = await chat.enter("bob");
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
    assertEquals(await bob.line(), "* Your current room is #lobby");
    await bob.send("/msg ALICE psst");
    assertEquals(await alice.until(/^\[/), "[private] bob to alice: psst");
    await bob.send("/quit");
    assertEquals(await bob.until(/Bye/), "* Bye: you left");
    assertEquals(await bob.line(), undefined);
    assertEquals(await alice.line(), "* bob left #lobby");
  });

  test("rejects invalid names, and taken ones whatever their case", async () => {
    await using chat = await ServedChat.start(wire);
    using alice = await chat.enter("alice");
    {
      using bob = await chat.enter();
      for (const nick of ["", "*", "a b", "\u0440é", "x".repeat(33)]) {
        await bob.send(`/nick ${nick}`);
        assertMatch(await bob.line() ?? "", /^! A name (has|must not)/, nick);
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
    using carol = await chat.enter("alice");
    await carol.send("/xyzzy\n/jion #dev");
    assertEquals(await carol.line(), "! Unknown command /xyzzy; see /help");
    assertEquals(await carol.line(), "! Unknown command /jion; did you mean /join?");
  });

  test("notifies its clients when the server ends, and exits 0", async () => {
    await using chat = await ServedChat.start(wire);
    const alice = await chat.enter();
    const bob = await chat.enter();
    chat.server.kill("SIGTERM");
    for (const peer of [alice, bob]) {
      assertEquals(await peer.until(/Bye/), "* Bye: the server is ending");
      assertEquals(await peer.line(), undefined);
      peer[Symbol.dispose]();
    }
    assertEquals((await chat.server.outcome()).code, 0);
  });
}
