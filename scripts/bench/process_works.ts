import {
  C_EPOLL,
  DENO_LOOP,
  DENO_LOOP_COMPILED,
  NODE_NET,
  ours,
  oursCompiled,
  PYTHON_SELECTORS,
} from "./contenders.ts";
import type { Prepared } from "./prepare.ts";
import { echoOnce, hold, residentKib, RunningContender } from "./process.ts";
import type { Work } from "./work.ts";

const IDLE_CONNECTIONS = 18_000;

const FROM_SOURCES = ours("parley, deno run", (port) => ["echo", `:${port}`]);
const COMPILED = oursCompiled("parley, compiled", (port) => ["echo", `:${port}`]);
const CONTENDERS = [COMPILED, FROM_SOURCES, C_EPOLL, DENO_LOOP, DENO_LOOP_COMPILED, NODE_NET, PYTHON_SELECTORS];

const START_UP: Work = {
  id: "start-up",
  title: "start until the first byte",
  unit: "ms",
  better: "less",
  how: {
    sample: async (contender, prepared) => {
      const startedMs = performance.now();
      await using server = await start(contender, prepared);
      await echoOnce(server.port);
      return { rate: performance.now() - startedMs };
    },
  },
  contenders: CONTENDERS,
  reference: NODE_NET.name,
  isQuick: false,
};

const MEMORY: Work = {
  ...START_UP,
  id: "memory",
  title: "memory of a server",
  unit: "MiB",
  how: {
    sample: async (contender, prepared) => {
      await using server = await start(contender, prepared);
      await echoOnce(server.port);
      return { rate: await residentKib(server.pid) / 1024 };
    },
  },
};

const IDLE: Work = {
  id: `idle-${IDLE_CONNECTIONS}`,
  title: "memory of an idle connection",
  unit: "bytes",
  better: "less",
  how: {
    sample: async (contender, prepared) => {
      await using server = await start(contender, prepared);
      const before = await residentKib(server.pid);
      await using _held = await hold(server.port, IDLE_CONNECTIONS, prepared);
      return { rate: (await residentKib(server.pid) - before) * 1024 / IDLE_CONNECTIONS };
    },
  },
  contenders: [
    ours("parley", (port) => ["echo", `:${port}`, "--max-connections", String(IDLE_CONNECTIONS + 10)]),
    C_EPOLL,
    DENO_LOOP,
    NODE_NET,
  ],
  reference: NODE_NET.name,
  isQuick: false,
};

function start(contender: Parameters<typeof RunningContender.start>[0], prepared: Prepared): Promise<RunningContender> {
  return RunningContender.start(contender, prepared.tools, { canPin: prepared.canPin, answers: "tcp" });
}

/** The cost of an idle program. */
export const PROCESS_WORKS: readonly Work[] = [START_UP, MEMORY, IDLE];
