/**
 * How relays pass on the end of a connection: measured at the client, for each way in which a target can end it.
 *
 * @module
 */

import { delay } from "../../src/net/wait.ts";
import { findFreePort } from "../../src/net/find_free_port.ts";
import { connect, type Connection, ResetError } from "../../src/mod.ts";
import type { Peers } from "./peers.ts";
import { commandOf, start } from "./run.ts";

/** The relays, in the order of the columns. */
export const RELAYS = ["parley", "socat", "haproxy"] as const;

/** Maximum time for a relay to start listening. */
const START_MS = 10_000;

type RelayName = typeof RELAYS[number];

/** The command line of each relay; the first word is a program's name. */
const WORDS: Record<RelayName, (listen: string, target: string, scratch: string) => readonly string[]> = {
  parley: (listen, target) => ["parley-server", "relay", listen, target, "--log-level", "off"],
  socat: (listen, target) => ["socat", `TCP-LISTEN:${listen},bind=127.0.0.1,fork`, `TCP:127.0.0.1:${target}`],
  haproxy(listen, target, scratch) {
    const file = `${scratch}/haproxy-${listen}.cfg`;
    Deno.writeTextFileSync(
      file,
      `defaults
  mode tcp
  timeout client 60s
  timeout server 60s
  timeout connect 1s
  retries 0
listen relay
  bind 127.0.0.1:${listen}
  server target 127.0.0.1:${target}
`,
    );
    return ["haproxy", "-db", "-q", "-f", file];
  },
};

/** The question of each row, and the peer behind the relay. */
const QUESTIONS = [
  ["a reply 1 s after the client's half-close", "late", true],
  ["the target resets the connection", "resetting", false],
  ["the target refuses connections", "refused", false],
] as const satisfies readonly (readonly [question: string, peer: keyof Peers, isEnded: boolean])[];

/** The table's rows: a question, and what the client behind each relay saw. */
export async function relayRows(peers: Peers): Promise<string[][]> {
  const scratch = await Deno.makeTempDir();
  try {
    const rows: string[][] = [];
    for (const [question, peer, isEnded] of QUESTIONS) {
      const cells: string[] = [];
      for (const relay of RELAYS) cells.push(await cellOf(relay, peers[peer], isEnded, scratch));
      rows.push([question, ...cells]);
    }
    return rows;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function cellOf(relay: RelayName, target: string, isEnded: boolean, scratch: string): Promise<string> {
  const listen = String(findFreePort());
  const words = WORDS[relay](listen, target, scratch);
  if (commandOf(words[0] ?? "") === undefined) return "not tried";
  const child = start(words, "null");
  const output = Promise.all([child.stdout.text(), child.stderr.text()]);
  try {
    return await seenThrough(listen, isEnded);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await output;
  }
}

/** The result of a client that sends a line through the relay and reads to the end. */
async function seenThrough(port: string, isEnded: boolean): Promise<string> {
  await using client = await connectSoon(`tcp://127.0.0.1:${port}`);
  let text = "";
  try {
    await client.write(new TextEncoder().encode("hello\n"));
    if (isEnded) await client.closeWrite();
    for (let bytes = await client.read(); bytes !== null; bytes = await client.read()) {
      text += new TextDecoder().decode(bytes);
    }
  } catch (error) {
    if (error instanceof ResetError) return "reset";
    throw error;
  }
  return text === "" ? "an orderly end, no reply" : "the reply, then the end";
}

/** Connects as soon as the relay listens. */
async function connectSoon(endpoint: string): Promise<Connection> {
  for (const endMs = performance.now() + START_MS;;) {
    try {
      return await connect(endpoint);
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await delay(20);
    }
  }
}
