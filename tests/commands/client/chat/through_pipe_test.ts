import { assertEquals, assertRejects } from "@std/assert";
import { TimeoutError, UsageError } from "@parley/parley";
import { ChatLink } from "../../../../src/commands/client/chat/link.ts";
import { ChatPipe } from "../../../../src/commands/client/chat/through_pipe.ts";
import { FakeIo } from "../../../support/fake_io.ts";
import { FakeSession } from "../../../support/fake_session.ts";
import { FakeTime } from "../../../support/fake_time.ts";

const JOINED = { type: "joined", epoch: "e", seq: 0, topic: "", resumed: false, members: [] };

/** A chat through a pipe in #old, which sends `lines` as one piece, and the server's side of the conversation. */
function pipeInto(lines: string, { replyMs = 60_000, isJson = false } = {}) {
  const input = [new TextEncoder().encode(lines)];
  const io = new FakeIo(() => Promise.resolve(input.shift() ?? null));
  const session = new FakeSession({ kind: "websocket", subprotocol: "parley.v1" });
  const pipe = new ChatPipe(io, { isJson });
  const link = new ChatLink({
    dial: () => Promise.resolve(session),
    rooms: ["#old"],
    reconnectMs: 0,
    greetingMs: 60_000,
    onEvent: (event) => pipe.show(event),
    onStatus: () => {},
  });
  session.say({ type: "welcome", nick: "ci", motd: [], loginRequired: false }, { ...JOINED, room: "#old" });
  const talking = pipe.talk(link, replyMs);
  talking.catch(() => {});
  const published = async (text: string) => {
    const request = JSON.parse((await session.sent(new RegExp(`"publish".*${text}"`))).at(-1) ?? "");
    return { ...request, answer: (code?: string) => session.say(answerTo(request, code)) };
  };
  return { io, session, pipe, talking, published };
}

function answerTo({ id, room }: { id: string; room: string }, code?: string) {
  if (code === undefined) return { type: "ack", id, room, seq: 1, epoch: "e" };
  return { type: "error", id, code, text: `You are not in ${room}` };
}

Deno.test("talk() sends each line to the room of the /join or /leave before it, in their order (fault 51)", async () => {
  const { session, pipe, talking } = pipeInto("one\n/join new\nhello\n/leave\nback\n");
  const requests = (await session.sent(/back/)).map((line) => JSON.parse(line)).filter(({ id }) => id !== "enter #old");
  assertEquals(requests.map(({ type, room, text }) => [type, room, text]), [
    ["publish", "#old", "one"],
    ["join", "#new", undefined],
    ["publish", "#new", "hello"],
    ["leave", "#new", undefined],
    ["publish", "#old", "back"],
  ]);
  const answers = requests.filter(({ type }) => type === "publish").map((request) => answerTo(request));
  session.say({ ...JOINED, room: "#new", id: "enter #new" }, { type: "left", room: "#new" }, ...answers);
  // Nothing is sent again.
  assertEquals((await session.sent(/quit/)).length, 1);
  session.close("done");
  await talking;
  assertEquals(pipe.hasRefusal, false);
});

Deno.test("talk() sends no line to another room when a /join is refused (fault 51)", async () => {
  for (const isRefusedFirst of [true, false]) {
    const { io, session, pipe, talking, published } = pipeInto("/join new\nsecret\nmore\n");
    await session.sent(/"join".*#new/);
    const refusal = { type: "error", code: "banned", text: "You are banned from #new", id: "enter #new" };
    if (isRefusedFirst) session.say(refusal);
    for (const text of ["secret", "more"]) {
      const sent = await published(text);
      assertEquals(sent.room, "#new");
      if (!isRefusedFirst && text === "secret") session.say(refusal);
      sent.answer("not-in-room");
    }
    await session.sent(/quit/);
    session.close("done");
    await talking;
    assertEquals([pipe.hasRefusal, io.out.split("banned from").length], [true, 2]);
  }
});

Deno.test("talk() continues without a room after a rejected /join", async () => {
  const { session, pipe, talking, published } = pipeInto("/leave\n/join new\nhello\n");
  await session.sent(/"leave"/);
  session.say({ type: "left", room: "#old" });
  session.say({ type: "error", code: "banned", text: "You are banned", id: "enter #new" });
  const hello = await published("hello");
  assertEquals(hello.room, "#new");
  hello.answer("not-in-room");
  await session.sent(/quit/);
  session.close("done");
  await talking;
  assertEquals(pipe.hasRefusal, true);
});

Deno.test("talk() asks the server about a message to a room that is not joined, instead of keeping it", async () => {
  const { session, talking, published } = pipeInto('{"type":"publish","room":"#no","text":"hello"}\n', {
    isJson: true,
  });
  (await published("hello")).answer("not-in-room");
  await session.sent(/quit/);
  session.close("done");
  await talking;
});

Deno.test("talk() fails when a message is not acknowledged in time", async () => {
  const { session, talking } = pipeInto("hello\n", { replyMs: 1 });
  await assertRejects(() => talking, TimeoutError, "did not acknowledge everything within 1ms");
  assertEquals(session.closeReason !== undefined, true);
});

Deno.test("talk() fails for a line that it cannot send, and reports the reason", async () => {
  const cases: readonly (readonly [line: string, isJson: boolean, message: string])[] = [
    ["/nope", false, "Unknown command /nope; see /help"],
    ["/help", false, 'cannot send "/help"'],
    ["/join a/b", false, "A room's name is"],
    ...["null", "[]", "7", "{"].map((line) => [line, true, `Cannot send "${line}": it is not a JSON object`] as const),
  ];
  for (const [line, isJson, message] of cases) {
    const { talking } = pipeInto(`${line}\n`, { isJson });
    await assertRejects(() => talking, UsageError, message);
  }
});

Deno.test("talk() reports a missing acknowledgement while its output is not read", async () => {
  using time = new FakeTime();
  const { io, session, talking } = pipeInto("hello\n", { replyMs: 2_000 });
  io.stdout.writeAsync = () => new Promise(() => {});
  await time.advance(0);
  // More than is kept for the reader: the acknowledgement that follows is not received.
  for (let count = 0; count < 3; count++) session.say({ type: "notice", text: "x".repeat(40_000) });
  let failure: unknown;
  talking.catch((error) => failure = error);
  await time.advance(1_000);
  assertEquals(failure, undefined);
  await time.advance(3_000);
  assertEquals(failure instanceof TimeoutError, true);
});

Deno.test("talk() fails at once if its output is closed, and does not reconnect", async () => {
  const { io, talking } = pipeInto("hello\n");
  io.outFailure = new Deno.errors.BrokenPipe("Broken pipe");
  await assertRejects(() => talking, Deno.errors.BrokenPipe);
});
