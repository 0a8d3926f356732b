import { bundleProgram, PROGRAMS } from "../release/bundle_program.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import { COMPILED_SERVER, type Contender, type Tools } from "./contenders.ts";
import { median } from "./measure.ts";
import { sourcePath } from "./paths.ts";
import { compilePeer } from "./prepare.ts";
import { echoOnce } from "./process.ts";
import type { Work } from "./work.ts";

/** Starts per round; the median is taken. */
const STARTS = 10;

const EMPTY = "an empty program";
const DENO_RUN = [Deno.execPath(), "run", "--unstable-net", V8_FLAGS, "-N"];

/** What a start does; `PORT` in the arguments stands for an open port. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  "parley-client --version": ["client", "--version"],
  "parley-server --version": ["server", "--version"],
  "parley-udp --version": ["udp", "--version"],
  "check of an open port": ["client", "check", "127.0.0.1:PORT"],
  "echo, first byte": ["server", "echo", ":0", "--print-endpoint", "--exit-after", "1", "--log-level", "off"],
};

/** A way to run programs, and the command of each of them. */
interface Kind {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly string[];
  readonly program: (name: string, tools: Tools) => readonly string[];
  readonly more?: readonly Contender[];
  /** Creates the program in the scratch folder. */
  readonly prepare?: (tools: Tools) => Promise<void>;
}

const KINDS: readonly Kind[] = [
  {
    id: "start-sources",
    title: "start from the sources",
    needs: [],
    program: (name) => [
      ...DENO_RUN,
      name === "empty" ? sourcePath("peers/empty.ts") : sourcePath(`../../src/${name}.ts`),
    ],
    more: [{
      name: "the modules of parley-client, none run",
      role: "ours",
      needs: ["bash"],
      command: () => [...DENO_RUN, sourcePath("peers/unused_client.ts")],
    }],
  },
  {
    id: "start-bundle",
    title: "start of the bundle",
    needs: [],
    program: (name, { scratch }) => [...DENO_RUN, `${scratch}/parley-${name}.js`],
    prepare: async ({ scratch }) => {
      await Deno.writeTextFile(`${scratch}/parley-empty.js`, "");
      await Promise.all(PROGRAMS.map((name) => bundleProgram(name, scratch, { version: "0.0.0", commit: "0000000" })));
    },
  },
  {
    id: "start-compiled",
    title: "start of the compiled program",
    needs: [COMPILED_SERVER],
    program: (name, { scratch }) => [
      name === "empty" ? `${scratch}/parley-empty` : sourcePath(`../../dist/parley-${name}`),
    ],
    prepare: async ({ scratch }) => {
      await compilePeer("empty.ts", `${scratch}/parley-empty`);
    },
  },
];

/** Processor time from the start of a program to its end, compared with an empty program of the same kind. */
export const START_WORKS: readonly Work[] = KINDS.map(({ id, title, needs, program, more = [], prepare }) => {
  let ready: Promise<void> | undefined;
  return {
    id,
    title,
    unit: "ms",
    better: "less",
    how: {
      sample: async (contender, { tools }) => {
        await (ready ??= prepare?.(tools));
        using target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const words = contender.command(target.addr.port, tools);
        const times: number[] = [];
        // The first start fills the runtime's caches.
        for (let start = 0; start <= STARTS; start++) times.push(await processorMs(words));
        return { rate: median(times.slice(1)) ?? NaN };
      },
    },
    contenders: [
      ...Object.entries(CALLS).map(([name, [own = "", ...words]]) => ({
        name,
        role: "ours" as const,
        needs: ["bash", ...needs],
        command: (port: number, tools: Tools) => [
          ...program(own, tools),
          ...words.map((word) => word.replace("PORT", String(port))),
        ],
      })),
      ...more,
      {
        name: EMPTY,
        role: "limit" as const,
        needs: ["bash", ...needs],
        command: (_port: number, tools: Tools) => program("empty", tools),
      },
    ],
    reference: EMPTY,
    isQuick: false,
  };
});

/** Processor time of a program until it ends; one that prints an endpoint is sent a byte. */
async function processorMs(words: readonly string[]): Promise<number> {
  const script = 'TIMEFORMAT="%U %S"; time "$@" 2>/dev/null';
  const child = new Deno.Command("bash", {
    args: ["-c", script, "bash", ...words],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let printed = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    const port = /^tcp:.+:(\d+)\n$/.exec(printed)?.[1];
    if (port !== undefined) await echoOnce(Number(port));
  }
  if (!(await child.status).success) throw new Error(`${words.at(-1)} failed: ${printed}`);
  const [user = NaN, kernel = NaN] = (await stderr).trim().split(" ").map(Number);
  return (user + kernel) * 1_000;
}
