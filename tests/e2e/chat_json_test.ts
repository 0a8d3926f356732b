import { assert, assertEquals, assertMatch, assertObjectMatch } from "@std/assert";
import { enterChat, type JsonEvent, JsonPeer } from "../support/chat_peer.ts";
import { CHAT_WIRES, ServedChat } from "../support/chat_wires.ts";
import { startServer } from "../support/program.ts";

/** Joins a room and returns what was told about it. */
async function join(
  peer: JsonPeer,
  room: string,
  position: { epoch?: unknown; seq?: unknown } = {},
): Promise<JsonEvent> {
  await peer.send({ type: "join", room, ...position });
  return await peer.until("joined");
}

for (const wire of CHAT_WIRES) {
  const test = (name: string, run: () => Promise<void>) => Deno.test(`JSON wire over ${wire}: ${name}`, run);

  test("a publish is shown to all with seq, epoch, at, from and acknowledged", async () => {
    await using chat = await ServedChat.start(wire);
    using alice = await chat.enterJson();
    using bob = await chat.enterJson();
    const joined = await join(alice, "#dev");
    assertObjectMatch(joined, { room: "#dev", seq: 0, topic: "", resumed: false });
    await join(bob, "#dev");
    await alice.send({ type: "publish", room: "#dev", id: "a1", text: "hello" });
    assertEquals(await alice.until("ack"), { type: "ack", id: "a1", room: "#dev", seq: 1, epoch: joined.epoch });
    const { at, ...message } = await bob.until("message");
    assertMatch(String(at), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assertEquals(message, {
      type: "message",
      room: "#dev",
      seq: 1,
      epoch: joined.epoch,
      from: "guest1",
      id: "a1",
      text: "hello",
    });
  });

  test("errors name the field and the request", async () => {
    await using chat = await ServedChat.start(wire);
    using peer = await chat.enterJson();
    const cases: [request: Record<string, unknown> | string, error: Record<string, unknown>][] = [
      ["{", { code: "bad-request" }],
      ["[]", { code: "bad-request" }],
      [{ type: "shout", id: "1" }, { code: "bad-request", field: "type", id: "1" }],
      [{ type: "publihs" }, { field: "type", text: 'type: Unknown request type "publihs"; did you mean "publish"?' }],
      [{ room: "#dev" }, { field: "type", text: "type: Missing: every request has a type, such as publish" }],
      [{ type: "publish", room: "#dev", txt: "x" }, { field: "txt", text: 'txt: No such field; did you mean "text"?' }],
      [{ type: "publish", room: "#dev", id: "2" }, { code: "bad-request", field: "text", id: "2" }],
      [{ type: "publish", room: 7, text: "x" }, { code: "bad-request", field: "room" }],
      [{ type: "publish", room: "#dev", txt: "x", text: "x" }, { code: "bad-request", field: "txt" }],
      [{ type: "publish", room: "#dev", id: "3", text: "x" }, { code: "not-in-room", field: "room", id: "3" }],
      [{ type: "join", room: "#dev", seq: 1 }, { code: "bad-request", field: "epoch" }],
      [{ type: "join", room: "a b" }, { code: "bad-room", field: "room" }],
      [{ type: "nick", nick: "*" }, { code: "bad-nick", field: "nick" }],
      [{ type: "private", to: "nobody", text: "x" }, { code: "no-such-nick", field: "to" }],
      [{ type: "publish", room: "#dev", id: "a\nb", text: "x" }, { code: "bad-request", field: "id" }],
      [{ type: "publish", room: "#dev", id: "a\ud800", text: "x" }, { code: "bad-request", field: "id" }],
      [{ type: "history", room: "#dev", count: 101 }, { code: "bad-request", field: "count" }],
    ];
    for (const [request, error] of cases) {
      await peer.send(request);
      assertObjectMatch(await peer.next(), { type: "error", ...error }, JSON.stringify(request));
    }
  });

  test("a repeated id is stored once, also from another connection", async () => {
    await using chat = await ServedChat.start(wire);
    using keeper = await chat.enterJson();
    await join(keeper, "#dev");
    for (const duplicate of [undefined, true]) {
      using peer = await chat.enterJson();
      await join(peer, "#dev");
      await peer.send({ type: "publish", room: "#dev", id: "same", text: "once" });
      const ack = await peer.until("ack");
      assertEquals([ack.seq, ack.duplicate], [1, duplicate]);
    }
    await keeper.send({ type: "history", room: "#dev" });
    const { messages } = await keeper.until("history");
    assertEquals((messages as JsonEvent[]).map(({ text }) => text), ["once"]);
  });

  test("resuming delivers exactly the missed messages, then live ones", async () => {
    await using chat = await ServedChat.start(wire);
    using bob = await chat.enterJson();
    const { epoch } = await join(bob, "#dev");
    const say = async (text: string) => {
      await bob.send({ type: "publish", room: "#dev", text });
      await bob.until("ack");
    };
    {
      using alice = await chat.enterJson();
      await join(alice, "#dev");
      await say("1");
      assertEquals((await alice.until("message")).seq, 1);
    }
    await say("2");
    await say("3");
    using alice = await chat.enterJson();
    assertObjectMatch(await join(alice, "#dev", { epoch, seq: 1 }), { resumed: true, seq: 3 });
    await say("4");
    for (const seq of [2, 3, 4]) {
      assertObjectMatch(await alice.until("message"), { seq, text: String(seq) });
    }
  });

  test("messages that cannot be resumed are reported as unrecovered, and the session continues", async () => {
    await using chat = await ServedChat.start(wire, ["--history-count", "2"]);
    using bob = await chat.enterJson();
    const { epoch } = await join(bob, "#dev");
    for (const text of ["1", "2", "3", "4"]) await bob.send({ type: "publish", room: "#dev", text, id: text });
    for (let count = 0; count < 4; count++) await bob.until("ack");
    for (
      const [position, reason] of [
        [{ epoch, seq: 1 }, /no longer kept/],
        [{ epoch, seq: 9 }, /position is ahead of the room/],
        [{ epoch: "other", seq: 3 }, /history was reset/],
      ] as const
    ) {
      using peer = await chat.enterJson();
      assertEquals((await join(peer, "#dev", position)).resumed, false);
      const unrecovered = await peer.until("unrecovered");
      assertObjectMatch(unrecovered, { room: "#dev", epoch, seq: 4 });
      assertMatch(String(unrecovered.reason), reason);
      const { messages } = await peer.until("history");
      assertEquals((messages as JsonEvent[]).map(({ seq }) => seq), [3, 4]);
      await peer.send({ type: "nick", nick: "fine" });
      assertEquals((await peer.until("nick")).to, "fine");
      // Whoever is in the room already, as streams are in #lobby, is told no less.
      assertEquals((await join(peer, "#dev", { epoch, seq: 3 })).resumed, true);
      assertEquals((await join(peer, "#dev", position)).seq, 4);
      await peer.until("unrecovered");
      assertEquals(((await peer.until("history")).messages as JsonEvent[]).map(({ seq }) => seq), [3, 4]);
    }
  });

  test("reconnecting over and over during publishing leaves no gap and no duplicate", async () => {
    await using chat = await ServedChat.start(wire, ["--history-count", "3000"]);
    using bob = await chat.enterJson();
    const { epoch } = await join(bob, "#dev");
    // Each handshake of TLS costs; the order of things is the same.
    const TOTAL = wire === "tls" ? 400 : 3_000;
    const publishing = (async () => {
      for (let count = 1; count <= TOTAL; count += 10) {
        const batch = Array.from(
          { length: 10 },
          (_, index) => ({ type: "publish", room: "#dev", text: `${count + index}` }),
        );
        await bob.send(...batch);
        for (let index = 0; index < 10; index++) await bob.until("ack");
      }
    })();
    const got: number[] = [];
    for (let round = 0; got.length < TOTAL; round++) {
      using alice = await chat.enterJson();
      // The request and the mode may come at any moment between two messages.
      await alice.send({ type: "join", room: "#dev", epoch, seq: got.length });
      const most = Math.min(got.length + 1 + round % 40, TOTAL);
      while (got.length < most) {
        const { seq, text } = await alice.until("message");
        assertEquals(String(seq), text);
        got.push(Number(seq));
      }
    }
    await publishing;
    assertEquals(got, Array.from({ length: TOTAL }, (_, index) => index + 1));
  });
}

Deno.test("JSON and text clients share a room", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  using human = await enterChat(started.endpoint, "ann");
  using bot = await JsonPeer.enter(started.endpoint);
  await join(bot, "#lobby");
  await human.send("/me waves at \x1b[31mbot\x07");
  assertObjectMatch(await bot.until("message"), { from: "ann", text: "waves at \\x1b[31mbot\\x07", action: true });
  await bot.send({ type: "publish", room: "#lobby", text: "a\tb\nc\u202ed" });
  assertEquals(await human.until(/^\[/), "[#lobby] guest2: a b");
  assertEquals(await human.until(/^\[/), "[#lobby] guest2: c\\u202ed");
  await bot.send({ type: "mode", mode: "text" });
  await bot.send("/quit");
  assert(await bot.ended());
});

for (const wire of CHAT_WIRES) {
  Deno.test(`JSON wire over ${wire}: a message has 4,096 characters, however many bytes they take (chat H6)`, async () => {
    await using chat = await ServedChat.start(wire);
    using peer = await chat.enterJson();
    await peer.send({ type: "join", room: "#a" });
    await peer.until("joined");
    const escaped = (text: string) =>
      JSON.stringify({ type: "publish", room: "#a", id: "long", text }).replaceAll(
        "語",
        "\\u8a9e",
      );
    await peer.send(escaped("語".repeat(4_096)));
    assertEquals((await peer.until("message")).text, "語".repeat(4_096));
    await peer.send(escaped("語".repeat(4_097)));
    const refusal = await peer.until("error");
    assertEquals([refusal.code, refusal.id], ["too-long", "long"]);
    // Over WebSocket such a message ends the connection (RFC 6455, section 7.4.1).
    if (wire === "ws") return;
    await peer.send({ type: "publish", id: "longest", room: "#a", text: "x".repeat(70_000) });
    const { code, id, text } = await peer.until("error");
    assertEquals([code, id, text], ["too-long", "longest", "The line is longer than 65536 bytes and was dropped"]);
    await peer.send({ type: "publish", room: "#a", id: "next", text: "still here" });
    assertEquals((await peer.until("ack")).id, "next");
  });
}

Deno.test("JSON wire: every request with an id has an answer with it (chat L2)", async () => {
  await using chat = await ServedChat.start("ws");
  using peer = await chat.enterJson();
  using other = await chat.enterJson();
  await peer.send({ type: "join", room: "#a" }, { type: "nick", nick: "ann" });
  await peer.until("nick");
  await other.send({ type: "join", room: "#a" }, { type: "nick", nick: "bob" });
  await other.until("nick");
  const room = "#a";
  const requests = [
    [{ type: "nick", nick: "Ann" }, "nick"],
    [{ type: "nick", nick: "Ann" }, "nick"],
    [{ type: "topic", room, topic: "tea" }, "done"],
    [{ type: "topic", room }, "topic"],
    [{ type: "private", to: "Ann", text: "to myself" }, "private"],
    [{ type: "private", to: "bob", text: "to you" }, "private"],
    [{ type: "mode", mode: "json" }, "mode"],
    [{ type: "mute", room, nick: "bob" }, "done"],
    [{ type: "unmute", room, nick: "bob" }, "done"],
    [{ type: "op", room, nick: "bob" }, "done"],
    [{ type: "deop", room, nick: "bob" }, "done"],
    [{ type: "kick", room, nick: "bob" }, "done"],
    [{ type: "ban", room, nick: "bob" }, "done"],
    [{ type: "unban", room, nick: "bob" }, "done"],
    [{ type: "publish", room, text: "x" }, "ack"],
    [{ type: "who", room }, "who"],
    [{ type: "rooms" }, "rooms"],
    [{ type: "history", room }, "history"],
    [{ type: "announce", text: "x" }, "error"],
    [{ type: "nick", nick: "" }, "error"],
    [{ type: "leave", room }, "left"],
  ] as const;
  for (const [index, [request, answer]] of requests.entries()) {
    const id = `request-${index}`;
    await peer.send({ ...request, id });
    let event = await peer.next();
    const before: string[] = [];
    while (event.id !== id) {
      before.push(event.type);
      event = await peer.next();
    }
    assertEquals(event.type, answer, JSON.stringify(request));
    // What the room is told comes first.
    if (answer === "done") assert(before.includes(request.type === "topic" ? "topic" : "moderation"));
  }
  await peer.send({ type: "mode", mode: "text", id: "last" });
  assertEquals((await peer.until("mode")).id, "last");
});

for (const wire of ["tcp", "unix", "tls"] as const) {
  Deno.test(`JSON wire over ${wire}: a client that answers no ping is disconnected, one that does stays (chat M8)`, async () => {
    await using chat = await ServedChat.start(wire, ["--ping-interval", "300ms", "--ping-timeout", "300ms"]);
    using answering = await chat.enterJson();
    await join(answering, "#dev");
    const left = answering.until("leave");
    const silent = await chat.connect();
    const heard: string[] = [];
    try {
      await silent.send("/mode json");
      await silent.send('{"type":"join","room":"#dev"}');
      for (let line = await silent.line(); line !== undefined; line = await silent.line()) heard.push(line);
    } catch (error) {
      // Over TLS the connection ends without a close_notify.
      if (wire !== "tls" || !(error instanceof Deno.errors.UnexpectedEof)) throw error;
    } finally {
      silent.close();
    }
    assertEquals(heard.at(-1), '{"type":"ping"}');
    assertEquals((await left).reason, "connection lost");
    await answering.send({ type: "topic", room: "#dev", id: "still here" });
    assertEquals((await answering.until("topic")).id, "still here");
  });
}
