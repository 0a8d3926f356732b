import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PASTE_MARKS_OFF, PASTE_MARKS_ON } from "../../../../src/cli/keys.ts";
import { RefusedError } from "@parley/parley";
import { ChatLink } from "../../../../src/commands/client/chat/link.ts";
import { ChatScreen } from "../../../../src/commands/client/chat/on_terminal.ts";
import { FakeSession } from "../../../support/fake_session.ts";
import { FakeTerminal } from "../../../support/fake_terminal.ts";

const JOINED = { type: "joined", epoch: "e", seq: 0, topic: "", resumed: false, members: [{ nick: "guest1" }] };

/** Someone at a terminal, and the server's side of the conversation. */
async function sitDown({ reconnectMs = 0 } = {}) {
  const io = new FakeTerminal();
  const session = new FakeSession({ kind: "websocket", subprotocol: "parley.v1" });
  const screen = new ChatScreen(io);
  const link = new ChatLink({
    dial: () => session.closeReason === undefined ? Promise.resolve(session) : Promise.reject(new RefusedError("gone")),
    rooms: ["#lobby"],
    reconnectMs,
    greetingMs: 60_000,
    onEvent: (event) => screen.show(event),
    onStatus: (text) => screen.showStatus(text),
  });
  session.say({ type: "welcome", nick: "guest1", motd: [], loginRequired: false }, { ...JOINED, room: "#lobby" });
  const talking = screen.talk(link, 60_000);
  await session.sent(/join/);
  await link.ready;
  const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
  await turn();
  const hear = async (message: Readonly<Record<string, unknown>>) => {
    session.say(message);
    await turn();
  };
  return { io, session, screen, talking, hear };
}

function spoken(text: string, room = "#lobby") {
  return { type: "message", room, seq: 1, epoch: "e", at: new Date(2026, 0, 1, 9, 5).toISOString(), from: "ann", text };
}

Deno.test("messages appear above the line that is being typed", async () => {
  const { io, session, screen, talking, hear } = await sitDown();
  using _screen = screen;
  io.type("hello wor");
  await hear(spoken("good morning"));
  assertEquals(io.rows().slice(-2), ["09:05 ann: good morning", "#lobby> hello wor"]);
  io.type("ld\r");
  assertMatch((await session.sent(/publish/)).at(-1) ?? "", /"room":"#lobby","text":"hello world"/);
  // What was said comes back from the server: it need not stand there twice.
  assertEquals(io.rows().slice(-2), ["09:05 ann: good morning", "#lobby>"]);
  io.type("/quit\r");
  await session.sent(/quit/);
  session.close("done");
  await talking;
});

Deno.test("/join changes the room of the prompt, and Ctrl-D leaves", async () => {
  const { io, session, screen, talking, hear } = await sitDown();
  {
    using _screen = screen;
    io.type("/join dev\r");
    assertEquals((await session.sent(/join/)).at(-1), '{"type":"join","id":"enter #dev","room":"#dev"}');
    await hear({ ...JOINED, room: "#dev" });
    assertEquals(io.rows().at(-1), "#dev>");
    await hear(spoken("over here"));
    assertEquals(io.rows().at(-2), "09:05 #lobby ann: over here");
    io.type("/nope\r/help\r");
    io.type("\x04");
    await session.sent(/quit/);
    session.close("done");
    await talking;
    const at = io.rows().indexOf("#dev> /nope");
    assertEquals(io.rows()[at + 1], "! Unknown command /nope; see /help");
    assertMatch(io.out, /\/kick NAME \[REASON\] +operators/);
    assertEquals(io.isRaw, true);
  }
  assertEquals(io.isRaw, false);
});

Deno.test("pasted text is one message, including line ends; pasted commands are executed one by one", async () => {
  const { io, session, screen, talking } = await sitDown();
  using _screen = screen;
  assertStringIncludes(io.out, PASTE_MARKS_ON);
  io.type("\x1b[200~if (x) {\r  y();\r}\x1b[201~\r");
  const { id, text } = JSON.parse((await session.sent(/publish/)).at(-1) ?? "");
  assertEquals(text, "if (x) {\n  y();\n}");
  session.say({ type: "ack", id, room: "#lobby", seq: 1, epoch: "e" });
  io.type("\x1b[200~/who\r/rooms\r/join dev\rhello\x1b[201~\r");
  await session.sent(/who/);
  await session.sent(/rooms/);
  await session.sent(/join/);
  session.say({ ...JOINED, room: "#dev", id: "enter #dev" });
  const hello = JSON.parse((await session.sent(/hello/)).at(-1) ?? "");
  assertEquals(hello.room, "#dev");
  session.say({ type: "ack", id: hello.id, room: "#dev", seq: 1, epoch: "e" });
  io.type("\x04");
  session.close("done");
  assertEquals(await talking, 0);
  screen[Symbol.dispose]();
  assertStringIncludes(io.out, PASTE_MARKS_OFF);
});

Deno.test("Ctrl-C leaves at once with 130, whatever the server does", async () => {
  const { io, screen, talking } = await sitDown();
  using _screen = screen;
  io.type("half a li\x03");
  assertEquals(await talking, 130);
});

Deno.test("leaving without a connection reports unsent messages", async () => {
  const { io, session, screen, talking } = await sitDown({ reconnectMs: 60_000 });
  using _screen = screen;
  session.close("reset");
  io.type("\r");
  await io.shows(/connection lost/);
  assertEquals(io.rows().at(-1), "#lobby (offline)>");
  io.type("is anyone there?\r/quit\r");
  assertEquals(await talking, 1);
  assertMatch(io.out, /#lobby \(offline\)> is anyone there\?/);
  assertMatch(io.out, /! 1 message was not sent/);
});

Deno.test("Tab completes names of the room and commands, and the user's own name is highlighted", async () => {
  const { io, session, screen, talking, hear } = await sitDown();
  using _screen = screen;
  await hear({ type: "join", room: "#lobby", nick: "annabel" });
  await hear({ type: "join", room: "#lobby", nick: "bob" });
  io.type("ann\thello, bo\t\r");
  assertMatch((await session.sent(/publish/)).at(-1) ?? "", /"text":"annabel: hello, bob "/);
  await hear({ type: "nick", from: "bob", to: "robert" });
  io.type("/msg ro\thi\r");
  assertMatch((await session.sent(/private/)).at(-1) ?? "", /"to":"robert","text":"hi"/);
  io.type("/jo\tdev\r");
  assertMatch((await session.sent(/join/)).at(-1) ?? "", /"room":"#dev"/);
  io.type("\x04");
  session.close("done");
  await talking;
});
