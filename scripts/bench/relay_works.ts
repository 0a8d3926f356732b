/**
 * Relays side by side, each with an echo server in C on the relay's core as its target.
 *
 * @module
 */

import { findFreePort } from "../../src/net/find_free_port.ts";
import { libcPaths } from "../../src/net/sockopt/libc.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import { C_EPOLL, type Contender, type Tools } from "./contenders.ts";
import { sourcePath } from "./paths.ts";
import type { Prepared } from "./prepare.ts";
import { echoOnce, hold, residentKib, RunningContender } from "./process.ts";
import { type Sample, sizeText, type Work } from "./work.ts";

/** The command line of a relay from one port to another. */
type RelayWords = (listen: number, target: number, tools: Tools) => readonly string[];

/** The echo server ends with the relay, however that ends. */
function relay(name: string, needs: readonly string[], words: RelayWords): Contender {
  return {
    name,
    needs: ["gcc", "setpriv", ...needs],
    command(port, tools) {
      const target = findFreePort();
      const script = 'setpriv --pdeathsig KILL "$0" "$1" & shift; exec "$@"';
      return ["sh", "-c", script, tools.built("epoll_echo"), String(target), ...words(port, target, tools)];
    },
  };
}

function deno(permissions: readonly string[], file: string): string[] {
  return [Deno.execPath(), "run", "--unstable-net", V8_FLAGS, ...permissions, sourcePath(file)];
}

function parley(name: string, permissions: readonly string[]): Contender {
  const made = relay(name, [], (listen, target) => [
    ...deno(permissions, "../../src/server.ts"),
    ...["relay", String(listen), String(target), "--log-level", "off", "--max-connections", "20000"],
  ]);
  return { ...made, role: "ours" };
}

/** With the permissions of a compiled program. */
const PARLEY = parley("parley", ["-N", `--allow-ffi=${libcPaths()}`]);
const PARLEY_NODE = parley("parley, node:net", ["-N"]);

const BARE: Contender = {
  ...relay("bare Deno relay", [], (listen, target) => [
    ...deno(["-N"], "peers/deno_relay_loop.ts"),
    ...[String(listen), String(target)],
  ]),
  role: "limit",
};

const SOCAT: Contender = {
  ...relay("socat", ["socat"], (listen, target) => [
    "socat",
    `TCP-LISTEN:${listen},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=1024`,
    `TCP:127.0.0.1:${target},nodelay`,
  ]),
  hasChildren: true,
};

const HAPROXY = relay("HAProxy", ["haproxy"], (listen, target, { scratch }) => {
  const file = `${scratch}/haproxy-${listen}.cfg`;
  Deno.writeTextFileSync(
    file,
    `defaults
  mode tcp
  timeout client 60s
  timeout server 60s
  timeout connect 5s
listen relay
  bind 127.0.0.1:${listen}
  server echo 127.0.0.1:${target}
`,
  );
  return ["haproxy", "-db", "-q", "-f", file];
});

const TOXIPROXY = relay("Toxiproxy", ["toxiproxy-server"], (listen, target, { scratch }) => {
  const file = `${scratch}/toxiproxy-${listen}.json`;
  const proxy = { name: "bench", listen: `127.0.0.1:${listen}`, upstream: `127.0.0.1:${target}` };
  Deno.writeTextFileSync(file, JSON.stringify([proxy]));
  return ["toxiproxy-server", "-port", String(findFreePort()), "-config", file];
});

const CONTENDERS = [PARLEY, PARLEY_NODE, BARE, HAPROXY, TOXIPROXY, SOCAT];

/** Two descriptors each, within a limit of 20,000 per process. */
const IDLE_CONNECTIONS = 9_900;

function relayWork(connections: number, size: number, depth: number): Work {
  return {
    id: `relay-${connections}x${size}x${depth}`,
    title: `relay, ${connections} x ${sizeText(size)}, ${depth} in flight`,
    unit: "messages/s",
    better: "more",
    how: {
      words: () => ["echo_load", "127.0.0.1", "PORT", String(connections), String(size), String(depth), "SECONDS"],
      answers: "tcp",
    },
    contenders: CONTENDERS,
    reference: HAPROXY.name,
    isQuick: false,
  };
}

async function idleBytes(contender: Contender, prepared: Prepared): Promise<Sample> {
  const { tools, canPin } = prepared;
  await using server = await RunningContender.start(contender, tools, { canPin, answers: "tcp" });
  await echoOnce(server.port);
  const before = await residentKib(server.pid);
  await using _held = await hold(server.port, IDLE_CONNECTIONS, prepared);
  return { rate: (await residentKib(server.pid) - before) * 1024 / IDLE_CONNECTIONS };
}

/** The cost of a relay. */
export const RELAY_WORKS: readonly Work[] = [
  relayWork(50, 64, 1),
  relayWork(50, 64, 32),
  relayWork(10, 65_536, 1),
  {
    ...relayWork(1, 64, 1),
    title: "relay, one round trip, beside none",
    contenders: [...CONTENDERS, { ...C_EPOLL, name: "no relay" }],
  },
  {
    ...relayWork(50, 64, 1),
    id: "relay-connect-50",
    title: "relay: connect, 64 B, close; 50 at a time",
    unit: "connections/s",
    how: { words: () => ["connect_load", "PORT", "50", "64", "SECONDS"], answers: "tcp" },
  },
  {
    ...relayWork(1, 64, 1),
    id: "relay-idle",
    title: "memory of an idle relayed connection",
    unit: "bytes",
    better: "less",
    how: { sample: idleBytes },
    // One process per connection would exhaust the machine.
    contenders: CONTENDERS.filter((contender) => contender !== SOCAT),
  },
];
