/**
 * The trials of every tool as a server, and of clients that wait for one.
 *
 * @module
 */

import { delay } from "../../src/net/wait.ts";
import { findFreePort } from "../../src/net/find_free_port.ts";
import { LATE_MS } from "./peers.ts";
import { start } from "./run.ts";
import type { Tool } from "./trials.ts";

/** A question that needs more than one command, and each tool's answer. */
export interface ServerTrial {
  readonly question: string;
  /** The first word of each tool's command is the program. */
  readonly words: Partial<Record<Tool, readonly string[]>>;
  ask(words: readonly string[]): Promise<string>;
}

/** Maximum time for something that should happen at once. */
const TIMEOUT_MS = 4_000;

/** Trials of servers; each has a port of its own. */
export function serverTrials(): readonly ServerTrial[] {
  const port = () => String(findFreePort());
  const late = port();
  const twice = { ncat: port(), socat: port(), websocat: port() };
  return [
    {
      question: "waits for a server that comes up 1 s later",
      words: {
        parley: ["parley-client", "check", "--wait", "5s", `127.0.0.1:${late}`],
        ncat: ["ncat", "-z", "-w", "5s", "127.0.0.1", late],
        socat: ["socat", "-u", "OPEN:/dev/null", `TCP:127.0.0.1:${late},retry=50,interval=0.1`],
        websocat: ["websocat", "-bu", "literal:", `autoreconnect:tcp:127.0.0.1:${late}`],
        wait4x: ["wait4x", "tcp", `127.0.0.1:${late}`, "--timeout", "5s"],
      },
      ask: waits,
    },
    {
      question: "says which port it got when asked for port 0",
      words: {
        parley: ["parley-server", "echo", "127.0.0.1:0", "--print-endpoint"],
        ncat: ["ncat", "-v", "-l", "127.0.0.1", "0"],
        socat: ["socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork", "EXEC:cat"],
        websocat: ["websocat", "--stdout-announce-listening-ports", "-s", "127.0.0.1:0"],
      },
      ask: saysPort,
    },
    {
      question: "serves two clients, then ends by itself",
      words: {
        parley: ["parley-server", "echo", "127.0.0.1:0", "--exit-after", "2"],
        ncat: ["ncat", "-k", "-l", "127.0.0.1", twice.ncat, "--exec", "/bin/cat"],
        socat: ["socat", "-d", "-d", `TCP-LISTEN:${twice.socat},bind=127.0.0.1,fork`, "EXEC:cat"],
        websocat: ["websocat", "-b", `tcp-l:127.0.0.1:${twice.websocat}`, "mirror:"],
      },
      ask: endsAfterTwo,
    },
    {
      question: "as a server, answers a client that has ended its side (of 10)",
      words: {
        parley: ["parley-server", "echo", "127.0.0.1:0"],
        ncat: ["ncat", "-k", "-l", "127.0.0.1", port(), "--exec", "/bin/cat"],
        socat: ["socat", "-d", "-d", `TCP-LISTEN:${port()},bind=127.0.0.1,fork`, "EXEC:cat"],
        websocat: ["websocat", "-b", `tcp-l:127.0.0.1:${port()}`, "mirror:"],
      },
      ask: answersAfterEnd,
    },
    {
      question: "ended by SIGTERM with a client connected",
      words: {
        parley: ["parley-server", "echo", "127.0.0.1:0"],
        ncat: ["ncat", "-k", "-l", "127.0.0.1", port(), "--exec", "/bin/cat"],
        socat: ["socat", "-d", "-d", `TCP-LISTEN:${port()},bind=127.0.0.1,fork`, "EXEC:cat"],
        websocat: ["websocat", "-b", `tcp-l:127.0.0.1:${port()}`, "mirror:"],
      },
      ask: endsBySignal,
    },
    {
      question: "runs a program for each client",
      words: {
        parley: ["parley-server", "exec", "127.0.0.1:0", "--", "cat"],
        ncat: ["ncat", "-k", "-l", "127.0.0.1", port(), "--exec", "/bin/cat"],
        socat: ["socat", "-d", "-d", `TCP-LISTEN:${port()},bind=127.0.0.1,fork`, "EXEC:cat"],
        websocat: ["websocat", "-b", `tcp-l:127.0.0.1:${port()}`, "exec:cat"],
      },
      ask: runsPrograms,
    },
  ];
}

/** A running tool, with its output. */
class Running implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  text = "";

  constructor(words: readonly string[]) {
    this.child = start(words, "null");
    this.#reading = Promise.all([this.#read(this.child.stdout), this.#read(this.child.stderr)]);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.text += text;
  }

  /** The exit code, or `undefined` if it does not end in time. */
  async code(): Promise<number | undefined> {
    return (await within(this.child.status))?.code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.child.status;
    await this.#reading;
  }
}

/** Retries for at most {@linkcode TIMEOUT_MS}. */
async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T | undefined> {
  const endMs = performance.now() + TIMEOUT_MS;
  while (performance.now() < endMs) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(20);
  }
  return undefined;
}

function portIn(text: string): number | undefined {
  const port = /(?:127\.0\.0\.1|AF=2 \S+?):([1-9]\d*)\b/.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** A connection to the running server: at the port that it was given, or that it names. */
async function dial(running: Running, words: readonly string[]): Promise<Deno.TcpConn> {
  const given = /\b[1-9]\d{3,4}\b/.exec(words.join(" "))?.[0];
  const conn = await eventually(async () => {
    const port = given === undefined ? portIn(running.text) : Number(given);
    return port === undefined ? undefined : await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
  });
  if (conn === undefined) throw new Error(`not there: ${words.join(" ")}\n${running.text}`);
  return conn;
}

/** Whether data is echoed, even after a half-close. */
async function isEcho(conn: Deno.TcpConn, { ends = false } = {}): Promise<boolean> {
  await conn.write(new TextEncoder().encode("hello\n"));
  if (ends) await conn.closeWrite();
  const bytes = new Uint8Array(64);
  // Neither a reset nor a timeout is an answer.
  const count = await within(conn.read(bytes).catch(() => 0));
  return new TextDecoder().decode(bytes.subarray(0, count ?? 0)) === "hello\n";
}

/** The result of a promise, or `undefined` after {@linkcode TIMEOUT_MS}. */
async function within<T>(promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), TIMEOUT_MS);
  const value = await Promise.race([promise, late.promise]);
  clearTimeout(timer);
  return value;
}

async function waits(words: readonly string[]): Promise<string> {
  const port = Number(/\d{4,5}/.exec(words.find((word) => /\d{4,5}/.test(word)) ?? "")?.[0]);
  await using running = new Running(words);
  await delay(LATE_MS);
  using listener = Deno.listen({ hostname: "127.0.0.1", port });
  const upMs = performance.now();
  const accepting = listener.accept().then((conn) => conn, () => undefined);
  const code = await running.code();
  const afterMs = performance.now() - upMs;
  listener.close();
  (await accepting)?.close();
  if (code === 0) return `yes, ${Math.round(afterMs)} ms after it`;
  return code === undefined ? "connects, and does not end" : `no, exit ${code} at once`;
}

async function saysPort(words: readonly string[]): Promise<string> {
  await using running = new Running(words);
  const port = await eventually(() => portIn(running.text));
  if (port === undefined) return "no";
  (await Deno.connect({ hostname: "127.0.0.1", port })).close();
  return "yes";
}

async function endsAfterTwo(words: readonly string[]): Promise<string> {
  await using running = new Running(words);
  for (let client = 0; client < 2; client++) {
    using conn = await dial(running, words);
    if (!await isEcho(conn)) return "no echo";
  }
  const code = await running.code();
  return code === undefined ? "no" : `yes, exit ${code}`;
}

async function answersAfterEnd(words: readonly string[]): Promise<string> {
  await using running = new Running(words);
  let answered = 0;
  for (let client = 0; client < 10; client++) {
    using conn = await dial(running, words);
    if (await isEcho(conn, { ends: true })) answered++;
  }
  return String(answered);
}

async function endsBySignal(words: readonly string[]): Promise<string> {
  await using running = new Running(words);
  using conn = await dial(running, words);
  await conn.write(new TextEncoder().encode("hello\n"));
  await conn.read(new Uint8Array(64));
  running.child.kill("SIGTERM");
  const code = await running.code();
  return code === undefined ? "stays" : `exit ${code}`;
}

async function runsPrograms(words: readonly string[]): Promise<string> {
  await using running = new Running(words);
  using conn = await dial(running, words);
  return await isEcho(conn) ? "yes" : "no";
}
