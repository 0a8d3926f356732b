import {
  C_EPOLL,
  C_EPOLL_TLS,
  C_EPOLL_UNIX,
  type Contender,
  DENO_LOOP,
  DENO_TLS_LOOP,
  DENO_WS,
  NCAT,
  NODE_NET,
  NODE_NET_UNIX,
  NODE_TLS,
  nodeWs,
  OPENSSL,
  ours,
  PARLEY_ECHO,
  PYTHON_ASYNCIO,
  PYTHON_SELECTORS,
  PYTHON_THREADS,
  SOCAT,
} from "./contenders.ts";
import { sizeText, socketPath, type Work } from "./work.ts";

const ALL_ECHO = [
  PARLEY_ECHO,
  C_EPOLL,
  DENO_LOOP,
  PYTHON_SELECTORS,
  PYTHON_ASYNCIO,
  PYTHON_THREADS,
  NODE_NET,
  SOCAT,
  NCAT,
];
const MAIN_ECHO = [PARLEY_ECHO, C_EPOLL, DENO_LOOP, PYTHON_SELECTORS, NODE_NET];
const UNIX_ECHO = [
  ours("parley", (port, tools) => ["echo", `unix:${socketPath(port, tools)}`]),
  C_EPOLL_UNIX,
  NODE_NET_UNIX,
];
const PARLEY_TLS = ours("parley", (port, { certificate, key }) => [
  ...["echo", `tls://127.0.0.1:${port}`, "--tls-cert", certificate, "--tls-key", key],
]);
// The certificate comes with the load, which needs OpenSSL.
const TLS_ECHO = [PARLEY_TLS, C_EPOLL_TLS, DENO_TLS_LOOP, NODE_TLS].map((contender): Contender => ({
  ...contender,
  needs: [...contender.needs, OPENSSL],
}));

/** Number of connections, bytes per message, and messages in flight per connection. */
interface Shape {
  readonly connections: number;
  readonly size: number;
  readonly depth: number;
}

function shape(connections: number, size: number, depth: number): Shape {
  return { connections, size, depth };
}

function idOf({ connections, size, depth }: Shape): string {
  return `${connections}x${size}x${depth}`;
}

function titleOf({ connections, size, depth }: Shape): string {
  return `${connections.toLocaleString("en-US")} x ${sizeText(size)}, ${depth} in flight`;
}

function numbersOf({ connections, size, depth }: Shape): string[] {
  return [String(connections), String(size), String(depth), "SECONDS"];
}

/** A work with a minimum for the gate is part of `--quick`. */
function echoWork(of: Shape, contenders: readonly Contender[], minRatio?: number): Work {
  return {
    id: `echo-${idOf(of)}`,
    title: `echo, ${titleOf(of)}`,
    unit: "messages/s",
    better: "more",
    how: { words: () => ["echo_load", "127.0.0.1", "PORT", ...numbersOf(of)], answers: "tcp" },
    contenders,
    reference: C_EPOLL.name,
    isQuick: minRatio !== undefined,
    ...(minRatio === undefined ? {} : { minRatio }),
  };
}

function unixWork(of: Shape): Work {
  return {
    ...echoWork(of, UNIX_ECHO),
    id: `unix-${idOf(of)}`,
    title: `echo, Unix, ${titleOf(of)}`,
    how: { words: () => ["echo_load", "SOCKET", "0", ...numbersOf(of)], answers: "unix" },
  };
}

function tlsWork(of: Shape): Work {
  return {
    ...echoWork(of, TLS_ECHO),
    id: `tls-${idOf(of)}`,
    title: `echo, TLS, ${titleOf(of)}`,
    how: { words: () => ["tls_load", "PORT", ...numbersOf(of)], answers: "tcp" },
    reference: C_EPOLL_TLS.name,
  };
}

function webSocketWork(of: Shape, minRatio?: number): Work {
  return {
    ...echoWork(of, [ours("parley", (port) => ["echo", `ws://127.0.0.1:${port}`]), DENO_WS, nodeWs("echo")], minRatio),
    id: `ws-${idOf(of)}`,
    title: `WebSocket echo, ${titleOf(of)}`,
    how: { words: () => ["ws_load", "127.0.0.1", "PORT", "/", ...numbersOf(of)], answers: "tcp" },
    reference: "Node ws",
  };
}

const FRAMED: Work = {
  ...echoWork(shape(50, 100, 32), [
    ours("parley --framing fixed:100", (port) => ["echo", `:${port}`, "--framing", "fixed:100"]),
    ours("parley --framing line", (port) => ["echo", `:${port}`, "--framing", "line"]),
    PARLEY_ECHO,
    C_EPOLL,
  ]),
  id: "framed-50x100x32",
  title: "framed echo, 50 x 100 B, 32 in flight",
  reference: PARLEY_ECHO.name,
};

const GUARDED: Work = {
  ...echoWork(shape(50, 64, 1), [
    ours("parley, guarded", (port) => [
      ...["echo", `:${port}`, "--allow", "127.0.0.0/8", "--deny", "10.0.0.0/8", "--max-connections", "5000"],
      ...["--max-per-ip", "5000", "--idle-timeout", "60s", "--max-lifetime", "10m", "--metrics", "127.0.0.1:0"],
    ]),
    PARLEY_ECHO,
  ]),
  id: "guarded-50x64x1",
  title: "echo, every guard, 50 x 64 B, 1 in flight",
  reference: PARLEY_ECHO.name,
};

/** Echo over each transport, in each size. */
export const ECHO_WORKS: readonly Work[] = [
  echoWork(shape(50, 64, 1), ALL_ECHO, 0.47),
  echoWork(shape(50, 64, 32), ALL_ECHO, 0.47),
  echoWork(shape(10, 65_536, 4), MAIN_ECHO, 0.88),
  echoWork(shape(1, 64, 1), MAIN_ECHO),
  echoWork(shape(1_000, 64, 1), MAIN_ECHO),
  echoWork(shape(50, 1_024, 1), MAIN_ECHO),
  echoWork(shape(50, 1_024, 32), MAIN_ECHO),
  unixWork(shape(50, 64, 1)),
  unixWork(shape(50, 64, 32)),
  // One in flight, because a Unix socket buffers no more, and neither C program reads while it writes.
  unixWork(shape(10, 65_536, 1)),
  tlsWork(shape(50, 64, 1)),
  tlsWork(shape(50, 64, 32)),
  tlsWork(shape(10, 65_536, 4)),
  FRAMED,
  GUARDED,
  webSocketWork(shape(50, 64, 1), 0.97),
  webSocketWork(shape(50, 64, 32)),
  webSocketWork(shape(10, 16_000, 4)),
];
