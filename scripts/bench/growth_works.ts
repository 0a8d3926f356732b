/**
 * How the cost of a chat grows with its rooms, history and bans, of a check
 * with its endpoints, and of a mock with its rules.
 *
 * @module
 */

import { ours } from "./contenders.ts";
import type { Growth, Point } from "./growth.ts";
import { median } from "./measure.ts";
import { sourcePath } from "./paths.ts";
import type { Prepared } from "./prepare.ts";
import { residentKib, RunningContender } from "./process.ts";

const ROOMS = [100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000];
const ROOMS_PER_MEMBER = 50;
const MESSAGES = [100, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000];
const BANS = [1, 50, 100, 200, 300, 400, 500];
const ENDPOINTS = [1, 50, 100, 250, 500, 1_000];
const RULES = [1, 100, 500, 1_000, 2_500, 5_000, 10_000];
const SAMPLES = 50;
/** Requests sent before their replies are awaited. */
const BATCH = 500;

/** A client that sends lines and waits for lines. */
class LineClient implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.#lines = conn.readable.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async connect(port: number): Promise<LineClient> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new LineClient(conn);
  }

  /** A chat client that uses JSON and is in no room. */
  static async member(port: number): Promise<LineClient> {
    const client = await LineClient.connect(port);
    await client.ask(['/mode json\n{"type":"leave","room":"#lobby"}'], '"type":"left"');
    return client;
  }

  /** Sends all lines, and waits for as many lines that contain the text. */
  async ask(lines: readonly string[], wanted: string): Promise<void> {
    await writeAll(this.#conn, new TextEncoder().encode(`${lines.join("\n")}\n`));
    for (let left = lines.length; left > 0;) {
      const end = this.#rest.lastIndexOf("\n");
      for (const line of this.#rest.slice(0, end + 1).split("\n")) {
        if (line.includes('"type":"error"')) throw new Error(`the chat answered ${line}`);
        if (line.includes(wanted)) left--;
      }
      this.#rest = this.#rest.slice(end + 1);
      if (left <= 0) return;
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`the server closed before it sent ${wanted}`);
      this.#rest += value;
    }
  }

  /** Median time of several exchanges, in microseconds. */
  async sample(lineOf: (index: number) => string, wanted: string): Promise<number> {
    const times: number[] = [];
    for (let index = 0; index < SAMPLES; index++) {
      const startMs = performance.now();
      await this.ask([lineOf(index)], wanted);
      times.push((performance.now() - startMs) * 1_000);
    }
    return median(times) ?? NaN;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

function json(type: string, fields: Record<string, unknown>): string {
  return JSON.stringify({ type, ...fields });
}

function startChat(words: readonly string[], { tools, canPin }: Prepared): Promise<RunningContender> {
  const contender = ours("parley", (port) => ["chat", `:${port}`, "--message-rate", "0", ...words]);
  return RunningContender.start(contender, tools, { canPin, answers: "tcp" });
}

/** Memory and times over a growing number. */
function growthsOf(
  xLabel: string,
  lines: Readonly<Record<string, [unit: string, points: readonly Point[]]>>,
): Growth[] {
  return Object.entries(lines).map(([title, [yLabel, points]]) => ({
    title,
    xLabel,
    yLabel,
    series: [{ name: "parley", points }],
  }));
}

async function mibOf(server: RunningContender): Promise<number> {
  return await residentKib(server.pid) / 1_024;
}

/** Rooms with one member each. */
export async function growthOfRooms(prepared: Prepared): Promise<Growth[]> {
  await using server = await startChat(["--max-rooms", "100100", "--max-connections", "5000"], prepared);
  using clients = new DisposableStack();
  const prober = clients.use(await LineClient.member(server.port));
  const memory: Point[] = [];
  const joining: Point[] = [];
  const listing: Point[] = [];
  let rooms = 0;
  for (const x of ROOMS) {
    while (rooms < x) {
      const member = clients.use(await LineClient.member(server.port));
      const first = rooms;
      rooms = Math.min(x, first + ROOMS_PER_MEMBER);
      const joins = Array.from({ length: rooms - first }, (_, index) => json("join", { room: `#r${first + index}` }));
      await member.ask(joins, '"type":"joined"');
    }
    const join = json("join", { room: "#probe" });
    joining.push({
      x,
      y: await prober.sample(() => `${join}\n${json("leave", { room: "#probe" })}`, '"type":"left"'),
    });
    listing.push({ x, y: await prober.sample(() => json("rooms", {}), '"type":"rooms"') / 1_000 });
    memory.push({ x, y: await mibOf(server) });
  }
  return growthsOf("rooms", {
    "memory over rooms": ["MiB", memory],
    "a room opened and closed": ["us", joining],
    "the largest 100 rooms listed": ["ms", listing],
  });
}

/** Messages of one room, in a database. */
export async function growthOfHistory(prepared: Prepared): Promise<Growth[]> {
  const path = `${prepared.tools.scratch}/growth.db`;
  await using server = await startChat(["--history", path, "--history-count", "200000"], prepared);
  using client = await LineClient.member(server.port);
  await client.ask([json("join", { room: "#h" })], '"type":"joined"');
  const publish = json("publish", { room: "#h", id: undefined, text: "x".repeat(60) });
  const memory: Point[] = [];
  const storing: Point[] = [];
  const reading: Point[] = [];
  let stored = 0;
  for (const x of MESSAGES) {
    for (; stored < x; stored += Math.min(BATCH, x - stored)) {
      await client.ask(Array(Math.min(BATCH, x - stored)).fill(publish), '"type":"message"');
    }
    storing.push({ x, y: await client.sample(() => publish, '"type":"message"') });
    const old = json("history", { room: "#h", count: 100, before: Math.floor(x / 2) + 1 });
    reading.push({ x, y: await client.sample(() => old, '"type":"history"') });
    memory.push({ x, y: await mibOf(server) });
  }
  return growthsOf("stored messages", {
    "memory over history": ["MiB", memory],
    "a message stored and delivered": ["us", storing],
    "100 messages from the middle": ["us", reading],
  });
}

/** Bans of one room, half of them ranges of addresses; its maximum is 500. */
export async function growthOfBans(prepared: Prepared): Promise<Growth[]> {
  await using server = await startChat([], prepared);
  using operator = await LineClient.member(server.port);
  using member = await LineClient.member(server.port);
  const room = "#b";
  await operator.ask([json("join", { room })], '"type":"joined"');
  const joining: Point[] = [];
  const banning: Point[] = [];
  let bans = 0;
  for (const x of BANS) {
    const startMs = performance.now();
    const added = x - bans;
    const subjects = Array.from({ length: added }, (_, index) => bans + index)
      .map((number) => number % 2 === 0 ? `somebody${number}` : `10.${number >> 8}.${number & 255}.0/24`);
    await operator.ask(subjects.map((nick) => json("ban", { room, nick })), '"type":"moderation"');
    bans = x;
    banning.push({ x, y: (performance.now() - startMs) * 1_000 / added });
    const join = json("join", { room });
    joining.push({ x, y: await member.sample(() => `${join}\n${json("leave", { room })}`, '"type":"left"') });
  }
  return growthsOf("bans of the room", {
    "a member comes and goes": ["us", joining],
    "one more ban": ["us", banning],
  });
}

/** Endpoints of one `check`, all at the same time. */
export async function growthOfProbes(): Promise<Growth[]> {
  using listeners = new DisposableStack();
  const taken: Point[] = [];
  const memory: Point[] = [];
  const endpoints: string[] = [];
  for (const x of ENDPOINTS) {
    while (endpoints.length < x) {
      const listener = listeners.use(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
      endpoints.push(`127.0.0.1:${listener.addr.port}`);
    }
    const command = ["run", "--unstable-net", "-N", sourcePath("../../src/client.ts"), "check", ...endpoints];
    const startMs = performance.now();
    const child = new Deno.Command(Deno.execPath(), { args: command, stdin: "null", stdout: "null" }).spawn();
    const ended = child.status;
    let isOver = false;
    void ended.then(() => isOver = true);
    let max = 0;
    while (!isOver) {
      max = Math.max(max, await residentKib(child.pid).catch(() => 0) || 0);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
    if (!(await ended).success) throw new Error(`check of ${x} endpoints failed`);
    taken.push({ x, y: performance.now() - startMs });
    memory.push({ x, y: max / 1_024 });
  }
  return growthsOf("endpoints of one check", {
    "time of a check, from start to end": ["ms", taken],
    "memory of a check": ["MiB", memory],
  });
}

/** Rules of a mock; only the last one matches. */
export async function growthOfRules({ tools, canPin }: Prepared): Promise<Growth[]> {
  const matching: Point[] = [];
  const memory: Point[] = [];
  for (const x of RULES) {
    const rules = Array.from(
      { length: x },
      (_, index) => ({ when: { text: `ping ${index}` }, steps: [{ send: "pong" }] }),
    );
    const file = `${tools.scratch}/rules-${x}.json`;
    await Deno.writeTextFile(file, JSON.stringify({ framing: "line", connections: rules }));
    const contender = ours("parley", (port) => ["mock", file, `:${port}`]);
    await using server = await RunningContender.start(contender, tools, { canPin, answers: "tcp" });
    using client = await LineClient.connect(server.port);
    matching.push({ x, y: await client.sample(() => `ping ${x - 1}`, "pong") });
    memory.push({ x, y: await mibOf(server) });
  }
  return growthsOf("rules of a mock", {
    "an answer by the last rule": ["us", matching],
    "memory over rules": ["MiB", memory],
  });
}
