import { assertEquals } from "@std/assert";
import { KnownNames } from "../../../../src/commands/client/chat/known_names.ts";

function person(nick: string) {
  return { nick, operator: false };
}

Deno.test("complete() tracks the room's members as they join, leave and change their names", () => {
  const names = new KnownNames();
  const joined = { type: "joined", epoch: "e", seq: 0, topic: "", resumed: false } as const;
  names.onEvent({ ...joined, room: "#Tea", members: [person("Ann"), person("bob")] });
  names.onEvent({ ...joined, room: "#dev", members: [person("zoe")] });
  const complete = (before: string, room = "#tea") => names.complete(before, room);
  assertEquals([complete("a"), complete("hello B"), complete("z"), complete("z", "#dev")], [
    "Ann: ",
    "hello bob ",
    undefined,
    "zoe: ",
  ]);
  names.onEvent({ type: "join", room: "#tea", nick: "zed" });
  assertEquals(complete("z"), "zed: ");
  names.onEvent({ type: "nick", from: "ZED", to: "yan" });
  assertEquals([complete("z"), complete("y"), complete("y", "#dev")], [undefined, "yan: ", undefined]);
  names.onEvent({ type: "leave", room: "#tea", nick: "Yan" });
  assertEquals(complete("y"), undefined);
  names.onEvent({ type: "who", room: "#tea", members: [person("xia")] });
  assertEquals([complete("x"), complete("a")], ["xia: ", "Ann: "]);
  names.onEvent({ ...joined, room: "#tea", members: [person("bea")] });
  assertEquals([complete("a"), complete("b")], [undefined, "bea: "]);
  names.onEvent({ type: "left", room: "#tea" });
  assertEquals(complete("b"), undefined);
});

Deno.test("complete() completes the first word to a command, and nothing to nothing", () => {
  const names = new KnownNames();
  const completed = ["/jo", "/server-k", "say /jo", "", "word ", "/nonsense"].map((before) =>
    names.complete(before, "#tea")
  );
  assertEquals(completed, ["/join ", "/server-kick ", undefined, undefined, undefined, undefined]);
  assertEquals(names.complete("a", undefined), undefined);
});
