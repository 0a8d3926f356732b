import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ChatError } from "../../src/chat/chat_error.ts";
import { checkNick, checkRoom, keyOf } from "../../src/chat/names.ts";
import { nickKey } from "../../src/chat/nick_key.ts";

Deno.test("checkRoom() normalizes equal names to the same form (chat L1)", () => {
  const forms = ["#lobby", "lobby", "#ｌｏｂｂｙ", "#LOBBY", "#𝐥𝐨𝐛𝐛𝐲", "#ⓛⓞⓑⓑⓨ"];
  assertEquals(new Set(forms.map((name) => keyOf(checkRoom(name)))), new Set(["#lobby"]));
  assertEquals(checkRoom("#cafe\u0301"), checkRoom("#café"));
});

Deno.test("checkRoom() rejects invisible characters and look-alikes of another name (chat L1)", () => {
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

Deno.test("checkRoom() takes the names that people write, in their scripts, up to ROOM_LENGTH (chat L1)", () => {
  const names =
    "#dev #dev-2.1_x #123 #кофе #καφές #カフェ #お茶の間 #커피 #奶茶 #tea時間 #TシャツABC #שלום #été #straße"
      .split(" ");
  for (const name of [...names, `#${"x".repeat(48)}`]) assertEquals(checkRoom(name), name);
});

Deno.test("checkNick() takes the names of people in their scripts, in one form, up to NICK_LENGTH (chat L1)", () => {
  const names =
    "ann guest1 O_o [ann]{1}|x-y Zoë Łukasz Ömer Борис Ελένη 山田太郎 ゆうこ 李明 김철수 Kim김 שלום أحمد สมชาย नेहा நிலா"
      .split(
        " ",
      );
  for (const name of [...names, "x".repeat(32)]) assertEquals(checkNick(name), name.normalize("NFKC"));
  assertEquals(checkNick("Zoe\u0308"), "Zoë");
  assertEquals(checkNick("e\u0308".repeat(16)), "ë".repeat(16));
  assertEquals(checkNick("\uff41\uff4e\uff4e"), "ann");
});

Deno.test("checkNick() rejects invisible characters, mixes of look-alike scripts, and stacked marks (chat L1)", () => {
  const names = [
    "",
    " ",
    "a b",
    "x".repeat(33),
    "\ufdfa".repeat(3),
    "\u3164",
    "ann\u3164",
    "ann\u200b",
    "an\u00adn",
    "ann\ufe0f",
    "ann\u{e0041}",
    "a\u202enn",
    "a\u0000nn",
    "\u0301",
    `a${"\u0323\u0330\u0332\u0317\u0331"}`,
    "\u0430nn",
    "\u03bfla",
    "\u0411\u043e\u0440\u03bfs",
    "#ann",
    "@ann",
    "10.0.0.7",
    "a/b",
    "\u{1f600}",
    "ann\ud800",
  ];
  for (const name of names) assertThrows(() => checkNick(name), ChatError, "A name ", JSON.stringify(name));
});

const ALIKE: readonly (readonly string[])[] = [
  ["ivan", "IVAN", "Ivan", "lvan", "1van", "|van", "\uff49van"],
  ["bob", "BOB", "b0b", "\u0412\u041e\u0412", "\u0432\u043e\u0432"],
  ["mike", "MIKE", "rnike"],
  ["cap", "\u0441\u0430\u0440"],
  ["Zoë", "ZOË", "Zoe\u0308"],
  ["straße", "STRASSE"],
];

for (const names of ALIKE) {
  Deno.test(`nickKey() is one for ${names.join(", ")} (chat L1)`, () => {
    assertEquals(new Set(names.map(nickKey)).size, 1, names.map(nickKey).join(" "));
  });
}

Deno.test("nickKey() distinguishes names that look different (chat L1)", () => {
  const names = [
    "ann",
    "anne",
    "bob",
    "bobby",
    "Борис",
    "Ελένη",
    "山田",
    "guest1",
    "guest2",
    "guest10",
    "guest11",
    "guest100",
  ];
  assertEquals(new Set(names.map(nickKey)).size, names.length);
  const guests = Array.from({ length: 20_000 }, (_, index) => nickKey(`guest${index}`));
  assertEquals(new Set(guests).size, guests.length, "guests would take each other's names");
  assertNotEquals(nickKey("zoe"), nickKey("Zoë"));
});
