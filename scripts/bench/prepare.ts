import type { Contender, Tools } from "./contenders.ts";
import { sourcePath } from "./paths.ts";
import { hasProgram, run } from "./process.ts";

const PROGRAMS = [
  ...["load/echo_load", "load/fanout_load", "load/ws_load", "load/udp_load", "load/connect_load", "load/idle_hold"],
  "peers/epoll_echo",
];

/** Version of Node's `ws` that is compared with: the one whose codec we use. */
const WS = "ws@8.23.0";

/** What a run works with; everything it made is in one folder, removed at the end. */
export interface Prepared extends AsyncDisposable {
  readonly tools: Tools;
  readonly canPin: boolean;
  /** The programs that are missing, of those the contender needs. */
  missing(contender: Contender): Promise<readonly string[]>;
}

/** Builds the load generators, and fetches what the peers need. */
export async function prepare(): Promise<Prepared> {
  const scratch = await Deno.makeTempDir({ prefix: "parley-bench-" });
  for (const program of PROGRAMS) {
    await run(["gcc", "-O2", "-o", `${scratch}/${nameOf(program)}`, sourcePath(`${program}.c`)]);
  }
  const found = new Map<string, Promise<boolean>>();
  const look = (need: string) => need === "npm:ws" ? installWs(scratch) : hasProgram(need);
  return {
    tools: { scratch, built: (name) => `${scratch}/${name}` },
    canPin: navigator.hardwareConcurrency > 1 && await hasProgram("taskset"),
    async missing(contender) {
      const absent: string[] = [];
      for (const need of contender.needs) {
        const isThere = found.get(need) ?? look(need);
        found.set(need, isThere);
        if (!await isThere) absent.push(need);
      }
      return absent;
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(scratch, { recursive: true });
    },
  };
}

async function installWs(folder: string): Promise<boolean> {
  try {
    await run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, WS]);
    return true;
  } catch {
    return false;
  }
}

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf("/") + 1);
}
