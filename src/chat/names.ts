import { ChatError } from "./chat_error.ts";

/** The room that clients of the text protocol start in. */
export const LOBBY = "#lobby";

/** Most messages of the past that can be asked for at once. */
export const HISTORY_MOST = 100;

/** Longest name of a person, in characters. */
const NICK_LENGTH = 32;
/** Longest name of a room, in characters, without its `#`. */
const ROOM_LENGTH = 48;

/** Names that differ by case only are the same name: this is what they share. */
export function keyOf(name: string): string {
  return name.toLowerCase();
}

/** Scripts that Latin letters may stand beside: none whose letters look like them (UTS 39, moderately restrictive). */
const BESIDE_LATIN = [
  ["Hani", "Hira", "Kana"],
  ["Hani", "Bopo"],
  ["Hani", "Hang"],
  ..."Arab Armn Beng Deva Ethi Geor Gujr Guru Hebr Khmr Knda Laoo Mlym Mymr Orya Sinh Taml Telu Thaa Thai Tibt".split(
    " ",
  )
    .map((script) => [script]),
];

/** Letters of each combination of scripts that a name may have. */
const SCRIPTS = [["Cyrl"], ["Grek"], ...BESIDE_LATIN.map((scripts) => ["Latn", ...scripts])].map((scripts) =>
  new RegExp(`^[${["Zyyy", "Zinh", ...scripts].map((script) => `\\p{scx=${script}}`).join("")}]+$`, "u")
);

function hasOneScript(name: string): boolean {
  return SCRIPTS.some((letters) => letters.test(name));
}

/** Letters with at most three marks each, digits and some punctuation; no name begins with a mark. */
const NICK = /^(?:[\p{L}\p{N}\-_[\]{}|]\p{M}{0,3})+$/u;

/**
 * A person's name in the form in which equal names are the same text (NFKC).
 *
 * @throws {ChatError} It cannot be a name.
 */
export function checkNick(name: string): string {
  if (name === "") throw new ChatError("bad-nick", "A name has at least one character", { field: "nick" });
  // A compatibility form may be longer than what it stands for.
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
    throw new ChatError("bad-nick", "A name has letters of one script, or of Latin and one unlike it", {
      field: "nick",
    });
  }
  return nick;
}

/**
 * A room's name with its `#`, which may be left out, in the form in which
 * equal names are the same text (NFKC).
 *
 * @throws {ChatError} It is no name.
 */
export function checkRoom(name: string): string {
  const given = name.startsWith("#") ? name.slice(1) : name;
  // A compatibility form may be longer than what it stands for.
  const bare = given.length > ROOM_LENGTH ? "" : given.normalize("NFKC");
  if (bare.length > ROOM_LENGTH || !/^[\p{L}\p{N}\-_.]+$/u.test(bare) || /\p{DI}/u.test(bare)) {
    throw new ChatError(
      "bad-room",
      `A room's name is # and 1 to ${ROOM_LENGTH} letters, digits and - _ . as in #dev`,
      { field: "room" },
    );
  }
  if (!hasOneScript(bare)) {
    throw new ChatError("bad-room", "A room's name has letters of one script, or of Latin and one unlike it", {
      field: "room",
    });
  }
  return `#${bare}`;
}
