import { assert, assertEquals, assertRejects } from "@std/assert";
import { ParleyError, RefusedError, TimeoutError, UsageError } from "@parley/parley";
import type { ChatLinkOptions } from "../../../../src/commands/client/chat/link.ts";
import { createLink, joined, message, requestsOf, webSocket, WELCOME } from "../../../support/chat_link.ts";
import { FakeTime } from "../../../support/fake_time.ts";
import { FakeSession } from "../../../support/fake_session.ts";

Deno.test("run() resumes each room at its position, and shows no message twice", async () => {
  const [first, second] = [webSocket(), webSocket()];
  const { link, events, statuses } = createLink([first, second]);
  first.say(WELCOME, joined(), message(1), message(2));
  const running = link.run();
  assertEquals(requestsOf(await first.sent(/join/)), [{ type: "join", id: "enter #dev", room: "#dev" }]);
  await link.ready;
  second.say(
    { ...WELCOME, nick: "guest2" },
    joined({ seq: 3, resumed: true, id: "enter #dev" }),
    message(2),
    message(3),
    message(4),
  );
  first.close("reset");
  assertEquals(requestsOf(await second.sent(/join/)), [
    { type: "join", id: "enter #dev", room: "#dev", epoch: "e1", seq: 2 },
  ]);
  link.quit();
  second.close("done");
  await running;
  assertEquals(events.filter(({ type }) => type === "message").map((event) => "seq" in event && event.seq), [
    1,
    2,
    3,
    4,
  ]);
  assertEquals(statuses.length, 2);
});

Deno.test("run() receives no further event until the last one is done, and loses none", async () => {
  const session = webSocket();
  const done = Promise.withResolvers<void>();
  const seen: string[] = [];
  const { link } = createLink([session], {
    onEvent(event) {
      seen.push(event.type === "message" ? event.text : event.type);
      return event.type === "message" ? done.promise : undefined;
    },
  });
  session.say(WELCOME, joined(), message(1), message(2));
  const running = link.run();
  await link.ready;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(seen, ["welcome", "joined", "text 1"]);
  done.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(seen, ["welcome", "joined", "text 1", "text 2"]);
  link.quit();
  session.close("done");
  await running;
});

Deno.test("publish() is retransmitted under its id until it is acknowledged", async () => {
  const [first, second] = [webSocket(), webSocket()];
  const { link } = createLink([first, second]);
  link.publish({ room: "#dev", text: "early" }, "1");
  first.say(WELCOME, joined());
  const running = link.run();
  assertEquals(requestsOf(await first.sent(/publish/)).at(-1), {
    type: "publish",
    id: "1",
    room: "#dev",
    text: "early",
  });
  second.say(WELCOME, joined({ resumed: true, id: "enter #dev" }));
  first.close("reset");
  assertEquals(requestsOf(await second.sent(/publish/)).at(-1)?.id, "1");
  second.say({ type: "ack", id: "1", room: "#dev", seq: 1, epoch: "e1" });
  assert(await link.settled(60_000));
  link.quit();
  second.close("done");
  await running;
});

Deno.test("publish() is also retransmitted if the room cannot be resumed", async () => {
  const [first, second] = [webSocket(), new FakeSession()];
  const { link, events } = createLink([first, second], { rooms: ["#lobby"] });
  const inLobby = { room: "#lobby", epoch: "e2", seq: 7 };
  first.say(WELCOME, joined({ room: "#lobby" }));
  const running = link.run();
  await link.ready;
  link.publish({ room: "#lobby", text: "are you there?" }, "1");
  first.close("reset");
  // The change of the wire tells of #lobby too: that is no answer yet.
  second.say(WELCOME, joined(inLobby));
  await second.sent(/join/);
  second.say(joined({ ...inLobby, id: "enter #lobby" }), { type: "unrecovered", ...inLobby, reason: "numbered anew" });
  assertEquals(requestsOf(await second.sent(/publish/)).at(-1)?.id, "1");
  link.quit();
  second.close("done");
  await running;
  assertEquals(events.at(-1)?.type, "unrecovered");
});

Deno.test("publish() is retransmitted automatically, in order, if the server could not store it", async () => {
  const session = webSocket();
  const { link, events, statuses } = createLink([session], { retryEveryMs: 5 });
  session.say(WELCOME, joined());
  const running = link.run();
  await link.ready;
  for (const id of ["1", "2"]) link.publish({ room: "#dev", text: `text ${id}` }, id);
  await session.sent(/text 2/);
  const refusal = { type: "error", code: "not-stored", text: "NATS is away" };
  session.say({ ...refusal, id: "1" }, { ...refusal, id: "2" });
  assertEquals(requestsOf(await session.sent(/text 2/)).map(({ id }) => id), ["1", "2"]);
  session.say({ type: "ack", id: "1", room: "#dev", seq: 1, epoch: "e1" }, { ...refusal, id: "2" });
  assertEquals(requestsOf(await session.sent(/text/)).map(({ id }) => id), ["2"]);
  session.say({ type: "ack", id: "2", room: "#dev", seq: 2, epoch: "e1" });
  assert(await link.settled(60_000));
  assertEquals(statuses, ["NATS is away; trying again for 1m"]);
  assertEquals(events.filter(({ type }) => type === "error"), []);
  link.quit();
  session.close("done");
  await running;
});

Deno.test("publish() fails permanently if the server could not store it for too long", async () => {
  const session = webSocket();
  const { link, events } = createLink([session], { retryEveryMs: 1, reconnectMs: 30 });
  session.say(WELCOME, joined());
  const running = link.run();
  await link.ready;
  link.publish({ room: "#dev", text: "lost" }, "1");
  const refusing = (async () => {
    while (link.unsent > 0) {
      await Promise.race([session.sent(/lost/), link.settled(60_000)]);
      session.say({ type: "error", code: "not-stored", text: "NATS is away", id: "1" });
    }
  })();
  assert(await link.settled(60_000));
  await refusing;
  assertEquals(events.at(-1)?.type, "error");
  link.quit();
  session.close("done");
  await running;
});

Deno.test("run() asks again to enter a room that the server could not open", async () => {
  const session = webSocket();
  const { link } = createLink([session], { retryEveryMs: 5 });
  session.say(WELCOME, { type: "error", code: "not-stored", text: "NATS is away", id: "enter #dev" });
  const running = link.run();
  await session.sent(/join/);
  assertEquals(requestsOf(await session.sent(/join/)), [{ type: "join", id: "enter #dev", room: "#dev" }]);
  session.say(joined());
  await link.ready;
  link.quit();
  session.close("done");
  await running;
});

Deno.test("run() changes the wire of a stream, and leaves the room that was not asked for", async () => {
  const session = new FakeSession();
  const { link, events } = createLink([session], { nick: "ann" });
  const running = link.run();
  assertEquals((await session.sent(/join/)).slice(0, 3), [
    "/mode json",
    '{"type":"nick","nick":"ann"}',
    '{"type":"leave","id":"leave #lobby","room":"#lobby"}',
  ]);
  session.say("* Welcome to Parley, you are guest1", "[#lobby] eve: {", WELCOME, joined());
  await link.ready;
  link.quit();
  session.close("done");
  await running;
  assertEquals(events.map(({ type }) => type), ["welcome", "joined"]);
});

Deno.test("run() does not report that requests before the login were rejected, but any other error", async () => {
  const session = webSocket();
  const { link, events } = createLink([session], { login: { name: "ann", password: "pw" } });
  const running = link.run();
  session.say(
    { ...WELCOME, loginRequired: true },
    { type: "error", code: "login-required", text: "Log in first", id: "enter #dev" },
    { type: "error", code: "too-fast", text: "You are sending too fast" },
    { ...WELCOME, nick: "ann" },
    joined(),
  );
  await Promise.race([link.ready, running]);
  assertEquals(
    events.map((event) => event.type === "error" ? event.code : event.type),
    ["too-fast", "welcome", "joined"],
  );
  link.quit();
  session.close("done");
  await running;
});

Deno.test("run() fails at once if a retry would not help", async () => {
  const closed = { ...WELCOME, loginRequired: true };
  const cases: [messages: object[], options: Partial<ChatLinkOptions>, error: typeof ParleyError][] = [
    [[closed], {}, UsageError],
    [
      [closed, { type: "error", code: "login-failed", text: "wrong" }],
      { login: { name: "a", password: "b" } },
      ParleyError,
    ],
    [[WELCOME, { type: "error", code: "banned", text: "You are banned", id: "enter #dev" }], {}, ParleyError],
  ];
  for (const [messages, options, error] of cases) {
    const session = webSocket();
    const { link } = createLink([session], options);
    session.say(...messages.map((message) => JSON.stringify(message)));
    await assertRejects(() => link.run(), error);
    await assertRejects(() => link.ready, error);
    assert(session.closeReason !== undefined);
  }
  await assertRejects(() => createLink([]).link.run(), RefusedError);
});

Deno.test("run() ends when the server does not return in time", async () => {
  const session = webSocket();
  const { link } = createLink([session], { reconnectMs: 1 });
  session.say(WELCOME, joined());
  const running = link.run();
  running.catch(() => {});
  await link.ready;
  session.close("reset");
  const error = await assertRejects(() => running);
  assert(!(error instanceof TimeoutError));
});

Deno.test("quit() ends the waiting for the next try, and the opening of a connection", async () => {
  const session = webSocket();
  const sessions = [Promise.resolve(session), new Promise<FakeSession>(() => {})];
  for (const isDialling of [false, true]) {
    const lost = Promise.withResolvers<void>();
    const { link } = createLink([], {
      dial: () => sessions.shift() ?? Promise.reject(new RefusedError("nobody there")),
      onStatus: () => lost.resolve(),
    });
    if (!isDialling) {
      session.say(WELCOME, joined());
      sessions.length = 1;
    }
    const running = link.run();
    if (!isDialling) {
      await link.ready;
      session.close("reset");
      await lost.promise;
      link.publish({ room: "#dev", text: "never sent" });
      assertEquals([link.isOnline, link.unsent], [false, 1]);
    }
    link.quit();
    await running;
    sessions.push(new Promise<FakeSession>(() => {}));
  }
});

Deno.test("quit() waits for the server's goodbye up to its time limit", async () => {
  const session = webSocket();
  const { link } = createLink([session]);
  session.say(WELCOME, joined());
  const running = link.run();
  await link.ready;
  assertEquals(link.isOnline, true);
  link.quit(1);
  await running;
});

Deno.test("run() is in the rooms that were asked for alone, although a stream begins in #lobby", async () => {
  const session = new FakeSession({ kind: "stream" });
  const { link, events } = createLink([session]);
  session.say("* Welcome", WELCOME, joined({ room: "#lobby" }));
  const running = link.run();
  await session.sent(/"join"/);
  link.publish({ room: "#dev", text: "hi" }, "1");
  session.say({ type: "left", id: "leave #lobby", room: "#lobby" }, joined({ id: "enter #dev" }));
  await session.sent(/publish/);
  await link.ready;
  assertEquals(link.currentRoom, "#dev");
  assertEquals(events.map((event) => "room" in event ? event.room : event.type), ["welcome", "#dev"]);
  // Who asks for it later is in #lobby as anywhere else.
  session.say(joined({ room: "#lobby" }), { type: "left", room: "#dev" });
  link.quit();
  session.close("done");
  await running;
  assertEquals([link.currentRoom, events.length], ["#lobby", 4]);
});

Deno.test("publish() rejects a text that no server accepts, instead of resending it forever (chat H6)", async () => {
  const session = webSocket();
  const { link, events } = createLink([session]);
  session.say(WELCOME, joined());
  const running = link.run();
  await link.ready;
  link.publish({ room: "#dev", text: "x".repeat(4_096) }, "long");
  link.publish({ room: "#dev", text: "x".repeat(4_097) }, "longer");
  assertEquals(requestsOf(await session.sent(/publish/)).map(({ id }) => id), ["enter #dev", "long"]);
  assertEquals([events.at(-1)?.type, link.unsent], ["error", 1]);
  session.say({ type: "error", code: "too-long", text: "no", id: "long" });
  assert(await link.settled(60_000));
  link.quit();
  session.close("done");
  await running;
});

Deno.test("run() does not reconnect to a server that could not accept the message (chat H6)", async () => {
  for (const code of [1002, 1003, 1007, 1009]) {
    const [first, second] = [webSocket(), webSocket()];
    const { link } = createLink([first, second]);
    first.say(WELCOME, joined());
    const running = link.run();
    await link.ready;
    Object.assign(first, { closeFrame: { code, text: "too big" } });
    first.close("peer closed");
    await assertRejects(() => running, ParleyError, `The server closed the connection with code ${code} (too big)`);
    assertEquals(second.take(), []);
  }
});

Deno.test("run() answers the server's pings, and shows none (chat M8)", async () => {
  const session = webSocket();
  const { link, events } = createLink([session]);
  session.say(WELCOME, joined(), { type: "ping" });
  const running = link.run();
  await session.sent(/^\{"type":"pong"\}$/);
  link.quit();
  session.close("done");
  await running;
  assertEquals(events.filter(({ type }) => type === "ping"), []);
});

Deno.test("join() of a joined room changes nothing if the server rejects it", async () => {
  const session = webSocket();
  const { link } = createLink([session], { rooms: ["#tea", "#dev"] });
  session.say(WELCOME, joined({ room: "#tea", id: "enter #tea" }), joined({ id: "enter #dev" }));
  const running = link.run();
  await link.ready;
  assertEquals(link.currentRoom, "#tea");
  assert(link.join("#dev"));
  session.say({ type: "error", code: "slow-down", text: "too fast", id: "enter #dev" });
  await session.sent(/"join","id":"enter #dev","room":"#dev"\}$/);
  await session.idle();
  assertEquals(link.currentRoom, "#dev");
  link.quit();
  session.close("done");
  await running;
});

Deno.test("publish() is not retried before the room is joined again", async () => {
  using time = new FakeTime();
  const [first, second] = [webSocket(), webSocket()];
  const { link } = createLink([first, second], { retryEveryMs: 1_000 });
  first.say(WELCOME, joined());
  const running = link.run();
  await link.ready;
  link.publish({ room: "#dev", text: "again" }, "1");
  first.say({ type: "error", code: "not-stored", text: "the disk is full", id: "1" });
  await time.advance(0);
  first.close("reset");
  second.say(WELCOME);
  // The connection is restored within 250 ms; the retry is due after 1 s.
  await time.advance(2_000);
  assertEquals(second.take().filter((line) => line.includes("publish")), []);
  second.say(joined({ resumed: true, id: "enter #dev" }));
  await time.advance(0);
  assertEquals(second.take().filter((line) => line.includes("publish")).length, 1);
  link.quit();
  second.close("done");
  await running;
});

Deno.test("join() is repeated over the next connection, and messages wait for it", async () => {
  using time = new FakeTime();
  const [first, second] = [webSocket(), webSocket()];
  const { link } = createLink([first, second]);
  first.say(WELCOME, joined());
  const running = link.run();
  await link.ready;
  assert(link.join("#tea"));
  first.close("reset");
  second.say(WELCOME, joined({ resumed: true, id: "enter #dev" }));
  await time.advance(1_000);
  assert(second.take().includes('{"type":"join","id":"enter #tea","room":"#tea"}'));
  link.publish({ room: "#tea", text: "milk?" }, "1");
  assertEquals([second.take(), link.currentRoom], [[], "#tea"]);
  second.say(joined({ room: "#tea", id: "enter #tea" }));
  await time.advance(0);
  assertEquals(requestsOf(second.take()).map(({ id }) => id), ["1"]);
  link.quit();
  second.close("done");
  await running;
});
