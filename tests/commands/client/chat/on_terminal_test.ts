import { assertEquals, assertMatch } from "@std/assert";
import { ChatLink } from "../../../../src/commands/client/chat/link.ts";
import { ChatScreen } from "../../../../src/commands/client/chat/on_terminal.ts";
import { FakeSession } from "../../../support/fake_session.ts";
import { FakeTerminal } from "../../../support/fake_terminal.ts";

const JOINED = { type: "joined", epoch: "e", seq: 0, topic: "", resumed: false, members: [{ nick: "guest1" }] };

/** Someone at a terminal, and the server's side of the conversation. */
async function sitDown() {
  const io = new FakeTerminal();
  const session = new FakeSession({ kind: "websocket", subprotocol: "parley.v1" });
  const screen = new ChatScreen(io);
  const link = new ChatLink({
    dial: () => Promise.resolve(session),
    rooms: ["#lobby"],
    reconnectMs: 0,
    greetingMs: 60_000,
    onEvent: (event) => screen.show(event),
    onStatus: (text) => screen.tell(text),
  });
  session.say({ type: "welcome", nick: "guest1", motd: [], loginRequired: false }, { ...JOINED, room: "#lobby" });
  const talking = screen.talk(link);
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

Deno.test("what is said appears above the line that is being typed", async () => {
  const { io, session, screen, talking, hear } = await sitDown();
  using _screen = screen;
  io.type("hello wor");
  await hear(spoken("good morning"));
  assertEquals(io.rows().slice(-2), ["09:05 ann: good morning", "#lobby> hello wor"]);
  io.type("ld\r");
  assertMatch((await session.sent(/publish/)).at(-1) ?? "", /"room":"#lobby","text":"hello world"/);
  assertEquals(io.rows().slice(-2), ["#lobby> hello world", "#lobby>"]);
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
    assertEquals((await session.sent(/join/)).at(-1), '{"type":"join","room":"#dev"}');
    await hear({ ...JOINED, room: "#dev" });
    assertEquals(io.rows().at(-1), "#dev>");
    await hear(spoken("over here"));
    assertEquals(io.rows().at(-2), "09:05 #lobby ann: over here");
    io.type("/nope\r/help\r");
    io.type("\x04");
    await session.sent(/quit/);
    session.close("done");
    await talking;
    assertMatch(io.out, /! No command is called \/nope/);
    assertMatch(io.out, /\/kick NAME \[REASON\] +operators/);
    assertEquals(io.isRaw, true);
  }
  assertEquals(io.isRaw, false);
});
