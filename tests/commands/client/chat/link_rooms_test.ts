import { assert, assertEquals } from "@std/assert";
import { createLink, joined, message, requestsOf, webSocket, WELCOME } from "../../../support/chat_link.ts";

/** What a client asks for after a reconnect, if the server sent these events before. */
async function requestsAfter(...events: readonly Readonly<Record<string, unknown>>[]): Promise<unknown[]> {
  const [first, second] = [webSocket(), webSocket()];
  const { link } = createLink([first, second], { rooms: ["#dev", "#ops"] });
  first.say(WELCOME, joined({ id: "enter #dev" }), joined({ room: "#ops", id: "enter #ops" }), ...events);
  const running = link.run();
  await first.idle();
  first.close("reset");
  second.say(WELCOME);
  await second.idle();
  const asked = requestsOf(second.take());
  link.quit();
  second.close("done");
  await running;
  return asked;
}

const ENTER_DEV = { type: "join", id: "enter #dev", room: "#dev", epoch: "e1", seq: 0 };
const ENTER_OPS = { type: "join", id: "enter #ops", room: "#ops", epoch: "e1", seq: 0 };

Deno.test("run() joins every room again at its position, the current one last", async () => {
  assertEquals(await requestsAfter(message(1)), [ENTER_OPS, { ...ENTER_DEV, seq: 1 }]);
});

Deno.test("run() joins a room that could not be resumed at its new position", async () => {
  const unrecovered = { type: "unrecovered", room: "#ops", epoch: "e2", seq: 7, reason: "the history was reset" };
  assertEquals(await requestsAfter(unrecovered), [{ ...ENTER_OPS, epoch: "e2", seq: 7 }, ENTER_DEV]);
});

Deno.test("run() does not join a room again that it has left", async () => {
  assertEquals(await requestsAfter({ type: "left", room: "#DEV", reason: "kicked" }), [ENTER_OPS]);
});

Deno.test("run() asks for its last name again", async () => {
  const renamed = (from: string, to: string) => ({ type: "nick", from, to });
  const asked = await requestsAfter(renamed("guest1", "ann"), renamed("bob", "cid"), renamed("ann", "eve"));
  assertEquals(asked, [{ type: "nick", nick: "eve" }, ENTER_OPS, ENTER_DEV]);
});

Deno.test("publish() to a room that was left is sent for the server to reject, and not kept", async () => {
  const session = webSocket();
  const { link } = createLink([session], { rooms: ["#dev", "#ops"] });
  session.say(WELCOME, joined({ id: "enter #dev" }), joined({ room: "#ops", id: "enter #ops" }));
  session.say({ type: "left", room: "#ops", reason: "kicked" });
  const running = link.run();
  await session.idle();
  session.take();
  assertEquals([link.currentRoom, link.isOnline], ["#dev", true]);
  link.publish({ room: "#ops", text: "still here?" }, "p1");
  assertEquals(requestsOf(session.take()), [{ type: "publish", id: "p1", room: "#ops", text: "still here?" }]);
  session.say({ type: "error", code: "not-in-room", text: "You are not in #ops", field: "room", id: "p1" });
  assert(await link.settled(60_000));
  link.quit();
  session.close("done");
  await running;
  assertEquals(link.isOnline, false);
});
