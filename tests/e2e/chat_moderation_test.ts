import { assert, assertEquals, assertMatch } from "@std/assert";
import { CHAT_WIRES, ServedChat } from "../support/chat_wires.ts";

for (const wire of CHAT_WIRES) {
  const test = (name: string, run: () => Promise<void>) => Deno.test(`over ${wire}: ${name}`, run);

  test("a member that is not an operator cannot kick, ban, mute, appoint operators or set the topic", async () => {
    await using chat = await ServedChat.start(wire);
    using _operator = await chat.enter("ann");
    using bob = await chat.enter("bob");
    for (
      const command of ["kick ann", "ban ann", "unban ann", "mute ann", "unmute ann", "op bob", "deop ann", "topic x"]
    ) {
      assertEquals(await bob.reply(`/${command}`), "! Only an operator of #lobby may do that", command);
    }
    assertEquals(await bob.reply("/announce x"), "! Only an operator of the server may do that");
  });

  test("a kicked member is out until it joins again; a banned one stays out until the ban ends", async () => {
    await using chat = await ServedChat.start(wire);
    using ann = await chat.enter("ann");
    using bob = await chat.enter("bob");
    await ann.until(/is now bob/);
    assertEquals(await ann.reply("/kick BOB be nice"), "* ann kicked bob in #lobby (be nice)");
    assertEquals(await ann.line(), "* bob left #lobby (kicked by ann)");
    assertEquals(await bob.line(), "* ann kicked bob in #lobby (be nice)");
    assertEquals(await bob.line(), "* You left #lobby (kicked by ann)");
    assertMatch(await bob.reply("hello?") ?? "", /^! You are not in a room/);
    assertMatch(await bob.reply("/join #lobby") ?? "", /^\* You are in #lobby/);
    await ann.until(/bob joined/);

    assertEquals(
      await ann.reply("/ban bob 10x spam"),
      '! Cannot use "10x" as a time: write it as in 30s, 10m, 2h or 1d',
    );
    await ann.send("/ban bob 1h spam");
    assertEquals(await ann.line(), "* ann banned bob in #lobby for 1h (spam)");
    await bob.until(/You left/);
    assertMatch(await bob.reply("/join #lobby") ?? "", /^! You are banned from #lobby until \d{4}-.* UTC$/);
    assertEquals(await ann.reply("/unban bob"), "* bob left #lobby (banned by ann)");
    assertEquals(await ann.line(), "* ann unbanned bob in #lobby");
    assertMatch(await bob.reply("/join #lobby") ?? "", /^\* You are in #lobby/);
    await ann.until(/bob joined/);
    assertEquals(await ann.reply("/unban bob"), "! bob is not banned in #lobby");
  });

  test("messages of a muted member are not delivered, whatever its name", async () => {
    await using chat = await ServedChat.start(wire);
    using ann = await chat.enter("ann");
    using bob = await chat.enter("bob");
    await ann.until(/is now bob/);
    assertEquals(await ann.reply("/mute bob"), "* ann muted bob in #lobby");
    assertEquals(await bob.line(), "* ann muted bob in #lobby");
    assertEquals(await bob.reply("let me"), "! You cannot speak: you are muted in #lobby");
    assertEquals(await bob.reply("/me waves"), "! You cannot speak: you are muted in #lobby");
    assertEquals(await bob.reply("/nick rob"), "! You cannot change your name: you are muted in #lobby");
    await ann.send("/unmute bob");
    assertEquals(await ann.line(), "* ann unmuted bob in #lobby");
    await bob.until(/unmuted/);
    await bob.send("thanks");
    assertEquals(await ann.line(), "[#lobby] bob: thanks");
  });

  test("operators appoint operators, and the topic is shown to new members", async () => {
    await using chat = await ServedChat.start(wire);
    using ann = await chat.enter("ann");
    using bob = await chat.enter("bob");
    await ann.until(/is now bob/);
    await ann.send("/op bob");
    assertEquals(await bob.line(), "* ann made bob an operator of #lobby");
    assertEquals(await bob.reply("/topic tea \x1b[1m"), "* bob set the topic of #lobby: tea \\x1b[1m");
    using carol = await chat.enter();
    assertEquals(await carol.line(), "* Topic of #lobby: tea \\x1b[1m");
    await bob.send("/deop ann");
    await ann.until(/took operator rights/);
    assertEquals(await ann.reply("/kick bob"), "! Only an operator of #lobby may do that");
    assertEquals(await bob.until(/took/), "* bob took operator rights in #lobby from ann");
  });

  test("JSON format: moderation is reported to all, with its author and its end", async () => {
    await using chat = await ServedChat.start(wire);
    using ann = await chat.enterJson();
    using bob = await chat.enterJson();
    for (const peer of [ann, bob]) {
      await peer.send({ type: "join", room: "#dev" });
      await peer.until("joined");
    }
    await ann.send({ type: "mute", room: "#dev", nick: "guest2", time: "10m", reason: "noise" });
    const { until, ...mute } = await bob.until("moderation");
    assertMatch(String(until), /Z$/);
    assertEquals(mute, {
      type: "moderation",
      action: "mute",
      room: "#dev",
      nick: "guest2",
      by: "guest1",
      reason: "noise",
    });
    await bob.send({ type: "publish", room: "#dev", id: "x", text: "x" });
    const { text: _text, ...error } = await bob.until("error");
    assertEquals(error, { type: "error", code: "muted", id: "x" });
    await ann.send({ type: "ban", room: "#dev", nick: "guest2", time: "soon" });
    assertEquals((await ann.until("error")).field, "time");
  });

  test("--message-rate delays, then mutes with a notice", async () => {
    await using chat = await ServedChat.start(wire, ["--message-rate", "20", "--message-burst", "3"]);
    using bob = await chat.enter();
    using ann = await chat.enter();
    await bob.until(/joined/);
    const startMs = performance.now();
    await ann.send(Array.from({ length: 40 }, (_, index) => `line ${index}`).join("\n"));
    assertEquals(await ann.line(), "! You are sending too fast: your messages are dropped for 30s");
    // Three at once, ten that waited 50 ms each.
    assert(performance.now() - startMs >= 490);
    for (let index = 0; index < 13; index++) assertEquals(await bob.line(), `[#lobby] guest2: line ${index}`);
    await bob.send("/me waits");
    assertEquals(await ann.until(/^[*[]/), "[#lobby] * guest1 waits");
  });
}
