import { ChatError } from "./chat_error.ts";

/** The room that clients of the text protocol start in. */
export const LOBBY = "#lobby";

/** Maximum older messages per request. */
export const MAX_HISTORY = 100;

/** Maximum length of a nickname, in characters. */
const NICK_LENGTH = 32;
/** Maximum length of a room name, in characters, without its `#`. */
const ROOM_LENGTH = 48;

/** Key of a name: names that differ only by case are equal. */
export function keyOf(name: string): string {
  return name.toLowerCase();
}

/** Scripts that may be mixed with Latin: none with look-alike letters (UTS 39, moderately restrictive). */
const BESIDE_LATIN = [
  ["Hani", "Hira", "Kana"],
  ["Hani", "Bopo"],
  ["Hani", "Hang"],
  ..."Arab Armn Beng Deva Ethi Geor Gujr Guru Hebr Khmr Knda Laoo Mlym Mymr Orya Sinh Taml Telu Thaa Thai Tibt".split(
    " ",
  )
    .map((script) => [script]),
];

/** Letters of each allowed combination of scripts. */
const SCRIPTS = [["Cyrl"], ["Grek"], ...BESIDE_LATIN.map((scripts) => ["Latn", ...scripts])].map((scripts) =>
  new RegExp(`^[${["Zyyy", "Zinh", ...scripts].map((script) => `\\p{scx=${script}}`).join("")}]+$`, "u")
);

function hasOneScript(name: string): boolean {
  return SCRIPTS.some((letters) => letters.test(name));
}

/** Letters with at most three marks each, digits and some punctuation; no leading mark. */
const NICK = /^(?:[\p{L}\p{N}\-_[\]{}|]\p{M}{0,3})+$/u;

/**
 * Normalizes a nickname (NFKC).
 *
 * @throws {ChatError} The name is invalid.
 */
export function checkNick(name: string): string {
  if (name === "") throw new ChatError("bad-nick", "A name has at least one character", { field: "nick" });
  // NFKC may make a name longer.
  const nick = name.length > NICK_LENGTH ? name : name.normalize("NFKC");
  if (nick.length > NICK_LENGTH) {
    throw new ChatError("bad-nick", `A name has at most ${NICK_LENGTH} characters: this one has ${nick.length}`, {
      field: "nick",
    });
  }
  if (!NICK.test(nick) || /\p{DI}/u.test(nick)) {
    throw new ChatError("bad-nick", "A name has only letters, digits and - _ [ ] { } |", { field: "nick" });
  }
  if (!hasOneScript(nick)) {
    throw new ChatError("bad-nick", "A name must not mix scripts with look-alike letters", {
      field: "nick",
    });
  }
  return nick;
}

/**
 * Normalizes a room name (NFKC); adds a missing `#`.
 *
 * @throws {ChatError} The name is invalid.
 */
export function checkRoom(name: string): string {
  const given = name.startsWith("#") ? name.slice(1) : name;
  // NFKC may make a name longer.
  const bare = given.length > ROOM_LENGTH ? "" : given.normalize("NFKC");
  if (bare.length > ROOM_LENGTH || !/^[\p{L}\p{N}\-_.]+$/u.test(bare) || /\p{DI}/u.test(bare)) {
    throw new ChatError(
      "bad-room",
      `A room's name is # and 1 to ${ROOM_LENGTH} letters, digits and - _ . as in #dev`,
      { field: "room" },
    );
  }
  if (!hasOneScript(bare)) {
    throw new ChatError("bad-room", "A room's name must not mix scripts with look-alike letters", {
      field: "room",
    });
  }
  return `#${bare}`;
}
