/**
 * The servers to measure: ours and established ones.
 *
 * @module
 */

import { V8_FLAGS } from "../v8_flags.ts";
import { sourcePath } from "./paths.ts";
import { socketPath } from "./work.ts";

/** A server to measure. */
export interface Contender {
  readonly name: string;
  /**
   * Ours, or a limit: what bare C or the runtime's own sockets achieve.
   *
   * @default {"peer"}
   */
  readonly role?: "ours" | "limit";
  /** The command line that serves on a port of 127.0.0.1. */
  readonly command: (port: number, tools: Tools) => readonly string[];
  /** Names of required programs. */
  readonly needs: readonly string[];
  readonly env?: (tools: Tools) => Record<string, string>;
  /** Child processes do the work, and are not measured. */
  readonly hasChildren?: boolean;
  /** Left out of `--quick`, because it starts slowly or is never the best. */
  readonly isSlow?: boolean;
}

/** A program that has its own compile task. */
export const COMPILED_SERVER = "dist/parley-server (deno task compile)";
/** The bare loop, compiled like our programs. */
export const COMPILED_LOOP = "compiled loop";
/** OpenSSL with its headers. */
export const OPENSSL = "libssl-dev";

/** What was built or found for this run. */
export interface Tools {
  /** Path of one of our programs in C. */
  readonly built: (name: string) => string;
  /** Path of a scratch file, removed at the end. */
  readonly scratch: string;
  /** Path of a certificate for `localhost`, in PEM. */
  readonly certificate: string;
  /** Path of its private key, in PEM. */
  readonly key: string;
}

type Words = (port: number, tools: Tools) => readonly string[];

const OWN_FLAGS = ["--log-level", "off"];

/** Our server from the sources, as `deno task start` runs it. */
export function ours(name: string, words: Words): Contender {
  return fromSources(name, "server.ts", ["-N", "--allow-read", "--allow-write"], words);
}

/** Our datagram program, from the sources. */
export function oursUdp(name: string, words: Words): Contender {
  return fromSources(name, "udp.ts", ["-N"], words);
}

function fromSources(name: string, entry: string, permissions: readonly string[], words: Words): Contender {
  const path = sourcePath(`../../src/${entry}`);
  return {
    name,
    role: "ours",
    needs: [],
    command: (port, tools) => [
      ...[Deno.execPath(), "run", "--unstable-net", V8_FLAGS, ...permissions, path],
      ...words(port, tools),
      ...OWN_FLAGS,
    ],
  };
}

/** Our server as a single file. */
export function oursCompiled(name: string, words: Words): Contender {
  return {
    name,
    role: "ours",
    needs: [COMPILED_SERVER],
    command: (port, tools) => [sourcePath("../../dist/parley-server"), ...words(port, tools), ...OWN_FLAGS],
  };
}

function script(name: string, runtime: string, file: string, rest: readonly string[] = []): Contender {
  return {
    name,
    needs: [runtime],
    command: (port) => [runtime, sourcePath(`peers/${file}`), String(port), ...rest],
  };
}

/** The limit: one thread, epoll, C. */
export const C_EPOLL: Contender = {
  name: "C epoll",
  role: "limit",
  needs: ["gcc"],
  command: (port, tools) => [tools.built("epoll_echo"), String(port)],
};

export const C_EPOLL_UNIX: Contender = {
  ...C_EPOLL,
  command: (port, tools) => [tools.built("epoll_echo"), socketPath(port, tools)],
};
export const C_EPOLL_TLS: Contender = {
  name: "C epoll, OpenSSL",
  role: "limit",
  needs: ["gcc"],
  command: (port, tools) => [tools.built("epoll_tls_echo"), String(port), tools.certificate, tools.key],
};

export const PARLEY_ECHO = ours("parley", (port) => ["echo", `:${port}`]);
export const NODE_NET = script("Node net", "node", "node_echo.mjs");
export const NODE_NET_UNIX: Contender = {
  ...NODE_NET,
  command: (port, tools) => ["node", sourcePath("peers/node_echo.mjs"), socketPath(port, tools)],
};
export const NODE_TLS: Contender = {
  name: "Node tls",
  needs: ["node"],
  command: (port, { certificate, key }) => [
    ...["node", sourcePath("peers/node_tls_echo.mjs"), String(port), certificate, key],
  ],
};
export const PYTHON_SELECTORS = script("Python selectors", "python3", "selectors_echo.py");
export const PYTHON_ASYNCIO = { ...script("Python asyncio", "python3", "asyncio_echo.py"), isSlow: true };
export const PYTHON_THREADS = { ...script("Python threads", "python3", "threads_echo.py"), isSlow: true };
export const NODE_DGRAM = script("Node dgram", "node", "node_udp_echo.mjs");

/** What the runtime itself achieves, run like ours; the first argument of the file is the port. */
function bareDeno(
  name: string,
  file: string,
  words: Words = (port) => [String(port)],
  permissions = ["-N"],
): Contender {
  const run = [Deno.execPath(), "run", "--unstable-net", V8_FLAGS, ...permissions, sourcePath(`peers/${file}`)];
  return { name, role: "limit", needs: [], command: (port, tools) => [...run, ...words(port, tools)] };
}

export const DENO_LOOP = bareDeno("bare Deno loop", "deno_loop.ts");
export const DENO_LOOP_COMPILED: Contender = {
  name: "bare Deno loop, compiled",
  role: "limit",
  needs: [COMPILED_SERVER, COMPILED_LOOP],
  command: (port, tools) => [tools.built("deno_loop"), String(port)],
};
export const DENO_HUB = bareDeno("bare Deno hub", "deno_hub.ts");
export const DENO_JOIN_HUB = bareDeno("bare Deno join hub", "deno_join_hub.ts");
export const DENO_WS = bareDeno("Deno's own WebSocket", "deno_ws_echo.ts");
export const DENO_UDP_LOOP = bareDeno("bare Deno UDP loop", "deno_udp_loop.ts");
export const DENO_TLS_LOOP = bareDeno(
  "bare Deno TLS loop",
  "deno_tls_loop.ts",
  (port, { certificate, key }) => [String(port), certificate, key],
  ["-N", "--allow-read"],
);

export const SOCAT: Contender = {
  name: "socat",
  hasChildren: true,
  isSlow: true,
  needs: ["socat"],
  command: (port) => ["socat", `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr,nodelay,backlog=1024`, "PIPE"],
};

export const NCAT: Contender = {
  name: "ncat",
  hasChildren: true,
  isSlow: true,
  needs: ["ncat"],
  command: (port) => ["ncat", "-l", "-k", "-m", "1024", "-e", "/bin/cat", "127.0.0.1", String(port)],
};

export const NATS: Contender = {
  name: "nats-server",
  needs: ["nats-server"],
  command: (port) => ["nats-server", "-a", "127.0.0.1", "-p", String(port)],
};

export const NGIRCD: Contender = {
  name: "ngircd",
  isSlow: true,
  needs: ["ngircd"],
  command: (port, tools) => {
    const file = `${tools.scratch}/ngircd-${port}.conf`;
    const lines = [
      "[Global]",
      "Name = bench.example",
      "Info = bench",
      "Listen = 127.0.0.1",
      `Ports = ${port}`,
      "[Limits]",
      "MaxConnections = 0",
      "MaxConnectionsIP = 0",
      "MaxPenaltyTime = 0",
      "[Options]",
      "DNS = no",
      "Ident = no",
      "PAM = no",
    ];
    Deno.writeTextFileSync(file, lines.join("\n"));
    return ["ngircd", "-n", "-f", file];
  },
};

/** Node's `ws`, as an echo or as a room. */
export function nodeWs(mode: "echo" | "fanout"): Contender {
  return {
    ...script("Node ws", "node", "node_ws_echo.mjs", [mode]),
    needs: ["node", "npm:ws"],
    env: (tools) => ({ NODE_PATH: tools.scratch }),
  };
}
