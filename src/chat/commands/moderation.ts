import { parseDuration } from "../../base/units.ts";
import { ChatError } from "../chat_error.ts";
import { checkLine } from "../clean_text.ts";
import type { ModerationCall, ServerCall } from "../moderation.ts";
import { type ChatCommand, splitWord } from "./command.ts";

/** A word that was meant as a time, so that a typo does not become the reason of a permanent ban. */
export const TIME: RegExp = /^\d+(?:\.\d+)?[a-z]{0,8}$/i;

type Moderation = typeof import("../moderation.ts");

/** Runs the request in the current room or on the whole server. */
type Act<Call> = (moderation: Moderation, call: Call) => void | Promise<void>;

/** Loaded on first use, because a client only lists the commands. */
function load(): Promise<Moderation> {
  return import("../moderation.ts");
}

/** `NAME [TIME] [REASON]`, as far as the usage has it. */
function parseTerms(name: string, usage: string, rest: string): Pick<ServerCall, "subject" | "reason" | "durationMs"> {
  const [subject, afterSubject] = splitWord(rest);
  if (subject === "") throw new ChatError("bad-request", `A name is required: /${name} ${usage}`);
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

/** Commands of room operators. */
export const MODERATION_COMMANDS: readonly ChatCommand[] = [
  command("kick", "NAME [REASON]", "operators: remove someone from the room", ({ kick }, call) => kick(call)),
  command(
    "ban",
    "NAME|ADDRESS [TIME] [REASON]",
    "operators: ban someone, as in /ban bob 10m spam",
    ({ restrict }, call) => restrict("ban", call),
  ),
  command("unban", "NAME|ADDRESS", "operators: lift a ban", ({ lift }, call) => lift("ban", call)),
  command(
    "mute",
    "NAME|ADDRESS [TIME]",
    "operators: mute someone",
    ({ restrict }, call) => restrict("mute", call),
  ),
  command("unmute", "NAME|ADDRESS", "operators: lift a mute", ({ lift }, call) => lift("mute", call)),
  command("op", "NAME", "operators: make someone an operator", ({ setOperator }, call) => setOperator(true, call)),
  command("deop", "NAME", "operators: revoke operator rights", ({ setOperator }, call) => setOperator(false, call)),
];

/** Commands for ignoring, and commands of server operators. */
export const SERVER_COMMANDS: readonly ChatCommand[] = [
  serverCommand(
    "ignore",
    "NAME",
    "hide private messages from someone",
    ({ setIgnored }, call) => setIgnored(true, call),
  ),
  serverCommand("unignore", "NAME", "stop ignoring someone", ({ setIgnored }, call) => setIgnored(false, call)),
  serverCommand(
    "server-kick",
    "NAME [REASON]",
    "server operators: disconnect someone",
    ({ disconnect }, call) => disconnect(call),
  ),
  serverCommand(
    "server-ban",
    "NAME|ADDRESS [TIME] [REASON]",
    "server operators: ban someone from the server",
    ({ banFromServer }, call) => banFromServer(call),
  ),
  serverCommand(
    "server-unban",
    "NAME|ADDRESS",
    "server operators: lift a server ban",
    ({ unbanFromServer }, call) => unbanFromServer(call),
  ),
];
