import { assertEquals, assertThrows } from "@std/assert";
import { ChatError } from "../../src/chat/chat_error.ts";
import { checkRoom, keyOf } from "../../src/chat/names.ts";

Deno.test("checkRoom() gives equal names the same form (chat L1)", () => {
  const forms = ["#lobby", "lobby", "#ｌｏｂｂｙ", "#LOBBY", "#𝐥𝐨𝐛𝐛𝐲", "#ⓛⓞⓑⓑⓨ"];
  assertEquals(new Set(forms.map((name) => keyOf(checkRoom(name)))), new Set(["#lobby"]));
  assertEquals(checkRoom("#cafe\u0301"), checkRoom("#café"));
});

Deno.test("checkRoom() refuses what cannot be seen, or looks like another name (chat L1)", () => {
  const names = [
    "#lobby\u3164",
    "#\u3164",
    "#\u115f",
    "#lobby\u200b",
    "#lo\u00adbby",
    "#lobby\ufe0f",
    "#lobby\u{e0041}",
    "#lo\u0000bby",
    "#l\u043ebby",
    "#l\u03bfbby",
    "#кофеtea",
    "#\u0441\u03bf",
    "#",
    "#a b",
    "#😀",
    `#${"x".repeat(49)}`,
    `#${"ﷺ".repeat(40)}`,
  ];
  for (const name of names) assertThrows(() => checkRoom(name), ChatError, "A room's name", JSON.stringify(name));
});

Deno.test("checkRoom() takes the names that people write, in their scripts (chat L1)", () => {
  const names =
    "#dev #dev-2.1_x #123 #кофе #καφές #カフェ #お茶の間 #커피 #奶茶 #tea時間 #TシャツABC #שלום #été #straße"
      .split(" ");
  for (const name of [...names, `#${"x".repeat(48)}`]) assertEquals(checkRoom(name), name);
});
