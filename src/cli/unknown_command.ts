import { UsageError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import { TOPICS } from "../manual/topics.ts";
import type { Program } from "./command.ts";

/** The programs and their commands; importing the registries would bundle all three into each program. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "parley-server": [
    "chat",
    "echo",
    "greet",
    "reply",
    "exec",
    "proxy",
    "discard",
    "chargen",
    "daytime",
    "time",
    "stack",
    "pipe",
    "relay",
    "mock",
    "hash-password",
  ],
  "parley-client": [
    "connect",
    "send",
    "replay",
    "check",
    "run",
    "smoke",
    "bench",
    "chat",
    "inspect",
    "resolve",
    "free-port",
  ],
  "parley-udp": ["serve", "send", "listen", "replay", "mock", "bench", "relay"],
};

/** Command names of other tools and their equivalents. */
const SYNONYMS: Readonly<Record<string, string>> = {
  scan: "parley-client check HOST:PORT...",
  wait: "parley-client check --wait 30s ENDPOINT",
  "wait-for": "parley-client check --wait 30s ENDPOINT",
  ping: "parley-client inspect ENDPOINT",
  telnet: "parley-client connect ENDPOINT",
  ws: "parley-client connect ws://HOST:PORT/",
  listen: "parley-server pipe ENDPOINT, or parley-udp listen",
  forward: "parley-server relay LISTEN TARGET",
  toxic: "parley-server relay --fault FAULT LISTEN TARGET",
  websocketd: "parley-server exec ws://:8080 -- PROGRAM",
};

/** The command to try for an endpoint in place of a command. */
const OPENERS: Readonly<Record<string, string>> = {
  "parley-server": "echo",
  "parley-client": "connect",
  "parley-udp": "send",
};

/** Names of other tools, which `help migrating` translates. */
const TOOLS = ["nc", "ncat", "netcat", "socat", "websocat", "wait-for-it", "wait4x", "dockerize", "iperf3"];

/** The error for a command that the program does not have, with the command that was probably meant. */
export function unknownCommand(program: Program, typed: string): UsageError {
  const names = program.commands.map(({ name }) => name);
  const others = Object.entries(COMMANDS).filter(([, commands]) => commands.includes(typed)).map(([name]) => name);
  const isTopic = TOPICS.some(({ name }) => name === typed);
  const meant = Object.hasOwn(SYNONYMS, typed)
    ? SYNONYMS[typed]
    : TOOLS.includes(typed)
    ? `${program.name} help migrating`
    : typed.includes(":") && Object.hasOwn(OPENERS, program.name)
    ? `${program.name} ${OPENERS[program.name]} ${typed}`
    : isTopic && others.length === 0
    ? `${program.name} help ${typed}`
    : undefined;
  const hint = meant !== undefined
    ? `did you mean ${meant}?`
    : others.length > 0
    ? `it is a command of ${others.join(" and ")}`
    : didYouMean(typed, names, `the commands are ${names.join(", ")}`);
  return new UsageError(`unknown command "${typed}"; ${hint}`);
}
