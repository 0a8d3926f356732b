/**
 * What commands print, whole: `transcripts/*.txt` has command lines, and below
 * each, indented, its output, its messages (behind `!`) and its exit code.
 *
 * `NAME = PROGRAM WORDS` starts a server whose endpoint NAME stands for, `NAME
 * > TEXT` sends it bytes and shows all that comes back, `NAME stops` shows what
 * it has logged, and `PROGRAM WORDS [< INPUT]` runs a command to its end. What
 * differs between two runs is shown as `<ms>`, `<port>` and the like.
 *
 * After a message was changed, run it with `-- --update` and read the difference.
 */

import { unescape } from "../../src/base/bytes.ts";
import type { Program } from "../../src/cli/command.ts";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { FakeIo } from "../support/fake_io.ts";
import { dialStream, readTextToEnd, writeAll } from "../support/peer.ts";
import { replayScript } from "../support/replay_script.ts";

const PROGRAMS: Readonly<Record<string, Program>> = { client: clientProgram, server: serverProgram, udp: udpProgram };

/** What differs between two runs. */
const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/^\d\d:\d\d:\d\d\.\d{3} /gm, ""],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<at>"],
  [/\b\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/g, "<date>"],
  [/\b(pid|seed)=\d+/g, "$1=<$1>"],
  [/"(\w*[mM]s|p[\d.]+|max|min|avg)":\d+(?:\.\d+)?/g, '"$1":"<ms>"'],
  [/^((?:ok|fail|skip) .*? {2})\d+(?:\.\d+)?m?s\b/gm, "$1<ms>"],
  [/^(\d+ passed.* in )\S+/gm, "$1<ms>"],
  [/^( +duration_ms: )\d+$/gm, "$1<ms>"],
  [/\bscrypt\$[\w$+\/=]+/g, "<hash>"],
  [/( was not ready after )\S+:/g, "$1<ms>:"],
  [/^(\d+ sent in )\d+ ms$/gm, "$1<ms>"],
  [/^\d\d:\d\d (?=#)/gm, "<at> "],
  [/"(epoch|id)":"[0-9a-f-]{8,36}"/g, '"$1":"<$1>"'],
  [/^min\/avg\/p99\/max [\d.\/]+/gm, "min/avg/p99/max <ms>"],
  [/\b127\.0\.0\.1:\d{5}\b/g, "127.0.0.1:<port>"],
];

/** A server that runs in this process. */
interface Served {
  readonly io: FakeIo;
  readonly endpoint: string;
  readonly code: Promise<number>;
}

class Replay implements AsyncDisposable {
  readonly #servers = new Map<string, Served>();
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Does what an unindented line says; the result is what came of it. */
  async run(line: string): Promise<string[]> {
    const [, name = "", verb, rest = ""] = /^([A-Z]\w*|[a-z]+\.\w+) (=|>|stops|is)(?: (.*))?$/.exec(line) ?? [];
    if (verb === "=") await this.#start(name, this.#wordsOf(rest));
    else if (verb === ">") return await this.#send(this.#served(name), rest);
    else if (verb === "stops") return await this.#stop(name);
    else if (verb === "is") {
      await Deno.writeTextFile(`${this.#folder}/${name}`, this.#filled(new TextDecoder().decode(unescape(rest))));
    } else if (/^\w+ /.test(line)) return await this.#command(line);
    return [];
  }

  #served(name: string): Served {
    const served = this.#servers.get(name);
    if (served === undefined) throw new Error(`no server is called ${name}`);
    return served;
  }

  #wordsOf(text: string): string[] {
    return Array.from(text.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => {
      return this.#filled(quoted ?? plain ?? "");
    });
  }

  /** A text with endpoints and the folder for their names. */
  #filled(text: string): string {
    return text.replaceAll("<folder>", this.#folder)
      .replaceAll(/\b[A-Z]{3,}\b/g, (name) => this.#servers.get(name)?.endpoint ?? name)
      .replaceAll(/(?<=\/\/)[a-z]+\b/g, (name) => addressOf(this.#servers.get(name.toUpperCase())) ?? name);
  }

  async #start(name: string, [program = "", ...words]: readonly string[]): Promise<void> {
    const io = new FakeIo();
    const code = runProgram(programOf(program), words.toSpliced(1, 0, "--print-endpoint"), io);
    const failed = code.then((code): never => {
      throw new Error(`${name} ended with ${code}: ${io.err}`);
    });
    failed.catch(() => {});
    this.#servers.set(name, { io, code, endpoint: await Promise.race([io.printed(/^(\w+:.*)$/m), failed]) });
  }

  async #send({ endpoint }: Served, text: string): Promise<string[]> {
    using conn = await dialStream(endpoint);
    await writeAll(conn, unescape(text));
    await conn.closeWrite();
    return this.#shown("", await readTextToEnd(conn));
  }

  async #stop(name: string): Promise<string[]> {
    const { io, code } = this.#served(name);
    io.stop.send("SIGTERM");
    const outcome = `exit ${await code}`;
    this.#servers.delete(name);
    // The first line is the endpoint.
    return [...this.#shown("", io.out.replace(/^.*\n/, "")), ...this.#shown("! ", io.err), outcome];
  }

  async #command(line: string): Promise<string[]> {
    const [, command = "", input] = /^(.*?)(?: < (.*))?$/.exec(line) ?? [];
    const [program = "", ...words] = this.#wordsOf(command);
    const pieces = input === undefined ? [] : [unescape(input)];
    const io = new FakeIo(() => Promise.resolve(pieces.shift() ?? null));
    const code = await runProgram(programOf(program), words, io);
    const printed = this.#shown("", io.out);
    // Endpoints are checked at the same time.
    if (words[0] === "check") printed.sort();
    return [...printed, ...this.#shown("! ", io.err), `exit ${code}`];
  }

  /** The lines of a text without what differs between two runs. */
  #shown(mark: string, text: string): string[] {
    if (text === "") return [];
    let shown = text.replaceAll(this.#folder, "<folder>");
    for (const [name, served] of this.#servers) {
      shown = shown.replaceAll(served.endpoint, name).replaceAll(addressOf(served) ?? "", name.toLowerCase());
    }
    for (const [pattern, name] of CHANGING) shown = shown.replaceAll(pattern, name);
    const lines = shown.split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines.map((line) => `${mark}${line}`.replaceAll("\r", "\\r").trimEnd());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#servers.keys()].reverse()) await this.#stop(name);
  }
}

/** Its address and port, which its name in lower case stands for. */
function addressOf(served: Served | undefined): string | undefined {
  return served?.endpoint.replace(/^\w+:\/\//, "").replace(/\/$/, "");
}

function programOf(name: string): Program {
  const program = PROGRAMS[name];
  if (program === undefined) throw new Error(`no program is called ${name}`);
  return program;
}

for (const name of ["client.txt", "files.txt", "replay.txt", "smoke.txt", "usage.txt", "server.txt", "udp.txt"]) {
  Deno.test(`commands print what ${name} shows`, async () => {
    const folder = await Deno.makeTempDir();
    {
      await using replay = new Replay(folder);
      await replayScript(`../commands/transcripts/${name}`, (line) => replay.run(line));
    }
    await Deno.remove(folder, { recursive: true });
  });
}
