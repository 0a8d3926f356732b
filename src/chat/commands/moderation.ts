import { parseDuration } from "../../base/units.ts";
import { ChatError } from "../chat_error.ts";
import { checkLine } from "../clean_text.ts";
import type { ModerationCall, ServerCall } from "../moderation.ts";
import { type ChatCommand, splitWord } from "./command.ts";

/** A word that can only have been meant as a time, so that a mistyped one is no reason for a ban without end. */
export const TIME: RegExp = /^\d+(?:\.\d+)?[a-z]{0,8}$/i;

type Moderation = typeof import("../moderation.ts");

/** Does what is asked for, in the current room or on the whole server. */
type Act<Call> = (moderation: Moderation, call: Call) => void | Promise<void>;

/** Loaded with the first use: a client only lists the commands. */
function load(): Promise<Moderation> {
  return import("../moderation.ts");
}

/** `NAME [TIME] [REASON]`, as far as the usage has it. */
function parseTerms(name: string, usage: string, rest: string): Pick<ServerCall, "subject" | "reason" | "durationMs"> {
  const [subject, afterSubject] = splitWord(rest);
  if (subject === "") throw new ChatError("bad-request", `It takes a name: /${name} ${usage}`);
  const [first, afterFirst] = splitWord(afterSubject);
  const isTimed = usage.includes("TIME") && TIME.test(first);
  const reason = checkLine("reason", isTimed ? afterFirst : afterSubject) || undefined;
  return { subject, reason, durationMs: isTimed ? timeOf(first) : undefined };
}

function command(name: string, usage: string, summary: string, act: Act<ModerationCall>): ChatCommand {
  return {
    name,
    usage,
    summary,
    async run({ hub, member, rest }) {
      const room = hub.roomOf(member);
      const terms = parseTerms(name, usage, rest);
      await act(await load(), { hub, member, room, ...terms });
    },
  };
}

function serverCommand(name: string, usage: string, summary: string, act: Act<ServerCall>): ChatCommand {
  return {
    name,
    usage,
    summary,
    async run({ hub, member, rest }) {
      const terms = parseTerms(name, usage, rest);
      await act(await load(), { hub, member, ...terms });
    },
  };
}

function timeOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (cause) {
    const why = cause instanceof RangeError ? "the maximum is ten years" : "write it as in 30s, 10m, 2h or 1d";
    throw new ChatError("bad-request", `Cannot use "${text.slice(0, 64)}" as a time: ${why}`, { cause });
  }
}

/** What operators can do to the members of their current room. */
export const MODERATION_COMMANDS: readonly ChatCommand[] = [
  command("kick", "NAME [REASON]", "operators: take someone out of the room", ({ kick }, call) => kick(call)),
  command(
    "ban",
    "NAME|ADDRESS [TIME] [REASON]",
    "operators: keep someone out, as in /ban bob 10m spam",
    ({ restrict }, call) => restrict("ban", call),
  ),
  command("unban", "NAME|ADDRESS", "operators: take a ban back", ({ lift }, call) => lift("ban", call)),
  command(
    "mute",
    "NAME|ADDRESS [TIME]",
    "operators: keep someone from speaking",
    ({ restrict }, call) => restrict("mute", call),
  ),
  command("unmute", "NAME|ADDRESS", "operators: take a mute back", ({ lift }, call) => lift("mute", call)),
  command("op", "NAME", "operators: make someone an operator too", ({ setOperator }, call) => setOperator(true, call)),
  command("deop", "NAME", "operators: take that back", ({ setOperator }, call) => setOperator(false, call)),
];

/** What everyone can do to others for itself, and operators of the server to anyone. */
export const SERVER_COMMANDS: readonly ChatCommand[] = [
  serverCommand(
    "ignore",
    "NAME",
    "show no private messages of someone",
    ({ setIgnored }, call) => setIgnored(true, call),
  ),
  serverCommand("unignore", "NAME", "show them again", ({ setIgnored }, call) => setIgnored(false, call)),
  serverCommand(
    "server-kick",
    "NAME [REASON]",
    "operators of the server: disconnect someone",
    ({ disconnect }, call) => disconnect(call),
  ),
  serverCommand(
    "server-ban",
    "NAME|ADDRESS [TIME] [REASON]",
    "operators of the server: keep someone out of all of it",
    ({ banFromServer }, call) => banFromServer(call),
  ),
  serverCommand(
    "server-unban",
    "NAME|ADDRESS",
    "operators of the server: take that back",
    ({ unbanFromServer }, call) => unbanFromServer(call),
  ),
];
