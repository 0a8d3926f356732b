import { fromFileUrl } from "../../tests/support/paths.ts";
import { findTool } from "../../tests/support/tools.ts";

/** The outcome of a command. */
export interface Outcome {
  /** `undefined` if it did not end in time. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Standard input; without it there is none. */
  readonly input?: string;
  /** Leaves standard input open once `input` is written. */
  readonly holdInput?: boolean;
  /** Maximum run time. */
  readonly limitMs?: number;
}

const LIMIT_MS = 5_000;

/** Parley's programs, run from the sources. */
const OURS = new Map(["server", "client", "udp"].map((name) => [
  `parley-${name}`,
  ["run", "--no-prompt", "--no-config", "--unstable-net", "--allow-all", fromFileUrl(`../../src/${name}.ts`)],
]));

/** The command line of a program, of Parley or on the path; `undefined` if it is missing. */
export function commandOf(name: string): readonly string[] | undefined {
  const ours = OURS.get(name);
  if (ours !== undefined) return [Deno.execPath(), ...ours.filter((word) => word !== "--no-config")];
  const path = findTool(name);
  return path === undefined ? undefined : [path];
}

/** Starts a command line; the first word is a program's name. */
export function start(words: readonly string[], stdin: "null" | "piped"): Deno.ChildProcess {
  const [name = "", ...args] = words;
  const command = commandOf(name);
  if (command === undefined) throw new Error(`not installed: ${name}`);
  const [path = "", ...before] = command;
  return new Deno.Command(path, { args: [...before, ...args], stdin, stdout: "piped", stderr: "piped" }).spawn();
}

/** Runs a command line until it ends or its time is over. */
export async function run(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const startedMs = performance.now();
  const child = start(words, options.input === undefined ? "null" : "piped");
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, options.limitMs ?? LIMIT_MS);
  const writer = options.input === undefined ? undefined : child.stdin.getWriter();
  // A program that ends without reading closes the pipe; its exit code is the result.
  const feeding = writer?.write(new TextEncoder().encode(options.input)).catch(() => {});
  if (!options.holdInput) void feeding?.then(() => writer?.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  if (options.holdInput) await writer?.close().catch(() => {});
  const decoder = new TextDecoder();
  return {
    code: isLate ? undefined : code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
    ms: performance.now() - startedMs,
  };
}
