import { assertEquals } from "@std/assert";
import type { ChatEvent } from "../../src/chat/event.ts";
import { FanOut } from "../../src/chat/fan_out.ts";
import type { Participant } from "../../src/chat/participant.ts";

Deno.test("FanOut.notices() leaves out the joins before a member's own, which are in its list, but not later ones", () => {
  const [ann, bob] = [{}, {}] as Participant[];
  const join = (nick: string): ChatEvent => ({ type: "join", room: "#a", nick, operator: undefined });
  const fanOut = new FanOut();
  fanOut.push(join("ann"), ann);
  fanOut.push(join("bob"), bob);
  const nicksFor = (member: Participant | undefined) =>
    member && fanOut.notices(member).map((event) => event.type === "join" && event.nick);
  assertEquals([nicksFor(ann), nicksFor(bob)], [["bob"], []]);
  fanOut.push(join("cy"));
  assertEquals([nicksFor(ann), nicksFor(bob)], [["bob", "cy"], ["cy"]]);
  fanOut.clear();
  fanOut.push({ type: "topic", room: "#a", topic: "tea" });
  fanOut.push(join("bob"), bob);
  assertEquals(bob && fanOut.notices(bob).map(({ type }) => type), ["topic"]);
});
