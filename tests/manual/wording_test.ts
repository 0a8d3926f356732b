/** Phrases that read like a translation, and what to write instead, stay out of the sources, the scripts and the manual. */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "../support/paths.ts";

/** What must not be written, and what to write. */
const BANNED: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/talks? by hand/i, "interactive client"],
  [/plays a bad network/i, "simulates a bad network"],
  [/which is told with/i, "which fails with"],
  [/ends well by/i, "shuts down cleanly on"],
  [/\bas good as\b(?! the)/i, "works in place of, counts as"],
  [/answer that must come/i, "expected reply"],
  [/nobody (?:listens|is bound|there)|has nobody who/i, "connection refused, port closed"],
  [/are too many\b.*\bMB|MB are too many/i, "is too large"],
  [/out of room\b/i, "out of resources"],
  [/who goes on faster/i, "clients that exceed the limit"],
  [/stream's making|time of making/i, "creation"],
  [/signs? of life/i, "heartbeat"],
  [/taken for gone|for gone\b/i, "considered offline"],
  [/that are no browsers/i, "non-browser clients"],
  [/\bno good\b/i, "invalid"],
  [/its last words/i, "its final output"],
  [/\bwithout a word\b/i, "silently, without data"],
  [/nobody looked at|passes for nothing/i, "an unused check would pass vacuously"],
  [/content with one|expects the contrary/i, "succeeds if any does, expects failure"],
  [/what befalls/i, "what happens to"],
  [/goes before allow/i, "takes precedence"],
  [/\bmend\b/i, "fix"],
  [/world is asked for/i, "network exposure is opt-in"],
  [/whose the (?:server's )?time is/i, "where CPU time goes"],
  [/the house is laid/i, "project layout"],
  [/way of a byte/i, "data path"],
  [/a right one is/i, "for example"],
  [/takes one endpoint; /i, "unexpected argument"],
  [/nothing is given to be expected/i, "the expected text must not be empty"],
  [/for the connection to be there/i, "maximum time to connect"],
  [/least level|form of log lines/i, "minimum log level, log format"],
  [/print nothing that comes/i, "do not print replies"],
  [/exclude each other/i, "cannot be combined"],
  [/TIME after it came/i, "maximum connection lifetime"],
  [/turn one bit over/i, "flip one bit"],
  [/it is no JSON/i, "invalid JSON"],
  [/credentials are none/i, "invalid credentials file"],
  [/NATS (?:is|was) away|NATS away/i, "NATS is unreachable"],
  [/\b(?:is|are) there again\b/i, "is back online"],
  [/numbered anew|\banew\b/i, "again, reset"],
  [/is spoken here/i, "this endpoint requires"],
  [/where nothing is said/i, "by default"],
  [/begins a line/i, "starts a new line"],
  [/\bshall\b/i, "must"],
  [/as welcome as/i, "a sentence with a reason"],
  [/\bwho types\b/i, "a user who types"],
  [/what came of|came of (?:it|one)\b/i, "the result of"],
  [/\bas it is typed\b/i, "name, such as"],
  [/\bsigns? and nobody|\bnobody (?:is|was|hears|sees|needs)\b/i, "no client, no one, a sentence with a subject"],
  [/\bwhat an? \{@linkcode \w+\} (?:is made of|is made from|must be told|tells|needs)/i, "options of, callbacks of"],
  [/^\s*(?:\/\*)?\*+ Takes over the (?:connection|transport|stream)/i, "takes ownership of"],
  [/\bread again\b.*SIGHUP|SIGHUP reads it again/i, "reloads"],
  [/the log-?in took/i, "login timed out"],
  // Except the metric label and the log message, which users match.
  [/\blog-in(?! timeout| failed)/i, "login, log in"],
  [/\bto whom\b|\bwhoever\b|\bthat nobody\b/i, "anyone who, a client that, a sentence with a subject"],
  [/\b(?:is|are|be|was) taken for\b/i, "is mistaken for, counts as"],
  [/\bcomes? too late\b|\bfor that reason\b/i, "is late, therefore"],
  [/\bthere is no such (?:file|service|command)\b/i, "no such file, unknown service"],
  [/\bdoes not hold "/i, "does not contain"],
  [/\bNo command is called\b/i, "unknown command, not a"],
  [/\bends our side\b/i, "half-closes, ends this side"],
  [/\bgives? (?:the socket|the terminal|the right) back\b/i, "closes, restores, drops the permission"],
];

const ROOTS = ["src", "scripts", "README.md"];
const KINDS = /\.(?:ts|js|md|css|html)$/;

async function* textFiles(path: string): AsyncGenerator<string> {
  if (!(await Deno.stat(path)).isDirectory) return yield path;
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory || KINDS.test(name)) yield* textFiles(`${path}/${name}`);
  }
}

/** Every banned phrase of a text, a line each. */
function faultsOf(name: string, text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    BANNED.filter(([phrase]) => phrase.test(line))
      .map(([phrase, instead]) => `${name}:${index + 1}: "${phrase.exec(line)?.[0]}"; write: ${instead}`)
  );
}

Deno.test("the sources, the scripts, the README and the manual keep to the wording of the project", async () => {
  const faults = [];
  for (const root of ROOTS) {
    const path = fromFileUrl(`../../${root}`);
    for await (const file of textFiles(path)) {
      faults.push(...faultsOf(root + file.slice(path.length), await Deno.readTextFile(file)));
    }
  }
  assertEquals(faults, []);
});

Deno.test("a banned phrase is found, with its line and what to write", () => {
  assertEquals(faultsOf("a.md", "fine\nUDP: nobody listens there"), [
    'a.md:2: "nobody listens"; write: connection refused, port closed',
  ]);
  assertEquals(faultsOf("a.md", "it sends a heartbeat"), []);
});
