/**
 * What is measured: each work has a load generator and its contenders.
 *
 * @module
 */

import {
  C_EPOLL,
  type Contender,
  DENO_LOOP,
  NATS,
  NCAT,
  NGIRCD,
  NODE_DGRAM,
  NODE_NET,
  nodeWs,
  ours,
  PARLEY_ECHO,
  PYTHON_ASYNCIO,
  PYTHON_SELECTORS,
  PYTHON_THREADS,
  SOCAT,
} from "./contenders.ts";
import { sourcePath } from "./paths.ts";

/** One work, for all its contenders. */
export interface Work {
  /** Short and unique; `--only` matches it. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** The load generator and its words; the seconds are put in place of `SECONDS`, the port in place of `PORT`. */
  readonly load: (contender: Contender) => readonly string[];
  readonly contenders: readonly Contender[];
  /** Name of the contender that is 1.0 in the ratios. */
  readonly reference: string;
  /** Part of `--quick`, and of the regression gate. */
  readonly isQuick: boolean;
  readonly isUdp?: boolean;
}

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

function echoWork(
  connections: number,
  size: number,
  depth: number,
  contenders: readonly Contender[],
  isQuick = false,
): Work {
  const sizeText = size >= 1024 ? `${size / 1024} KiB` : `${size} B`;
  return {
    id: `echo-${connections}x${size}x${depth}`,
    title: `echo, ${connections} x ${sizeText}, ${depth} in flight`,
    unit: "messages/s",
    load: () => ["echo_load", "127.0.0.1", "PORT", String(connections), String(size), String(depth), "SECONDS"],
    contenders,
    reference: C_EPOLL.name,
    isQuick,
  };
}

const FILL = "x".repeat(60);
const NATS_WIRE = ['CONNECT {"verbose":false}\\r\\nSUB room 1\\r\\n', `PUB room 62\\r\\n|${FILL}\\n\\r\\n`];
const IRC_WIRE = ["NICK u%d\\r\\nUSER u 0 * :u\\r\\nJOIN #r\\r\\n", `PRIVMSG #r :|${FILL}\\r\\n`];
const CHAT_WIRE = ["/nick u%d\\n", `|${FILL}\\n`];

function fanoutWork(members: number, batch: number, isQuick = false): Work {
  return {
    id: `fanout-${members}x${batch}`,
    title: `chat fan-out, ${members} members, ${batch} in flight`,
    unit: "deliveries/s",
    load: (contender) => {
      const wire = contender === NATS ? NATS_WIRE : contender === NGIRCD ? IRC_WIRE : CHAT_WIRE;
      return ["fanout_load", "PORT", String(members), String(batch), "SECONDS", ...wire, "1500", "|"];
    },
    contenders: [
      ours("parley", (port) => ["chat", `:${port}`]),
      ours("parley --history", (port, { scratch }) => [
        "chat",
        `:${port}`,
        "--history",
        `${scratch}/history-${port}.db`,
      ]),
      NATS,
      NGIRCD,
    ],
    reference: NATS.name,
    isQuick,
  };
}

function webSocketWork(connections: number, size: number, depth: number, isQuick = false): Work {
  return {
    id: `ws-${connections}x${size}x${depth}`,
    title: `WebSocket echo, ${connections} x ${size} B, ${depth} in flight`,
    unit: "messages/s",
    load: () => ["ws_load", "127.0.0.1", "PORT", "/", String(connections), String(size), String(depth), "SECONDS"],
    contenders: [ours("parley", (port) => ["echo", `ws://127.0.0.1:${port}`]), nodeWs("echo")],
    reference: "Node ws",
    isQuick,
  };
}

function webSocketFanoutWork(members: number, batch: number): Work {
  return {
    id: `ws-fanout-${members}x${batch}`,
    title: `WebSocket fan-out, ${members} members, ${batch} in flight`,
    unit: "deliveries/s",
    load: (contender) => [
      "fanout_load",
      "PORT",
      String(members),
      String(batch),
      "SECONDS",
      contender.name === "parley" ? "/nick u%d" : "hello",
      `|${FILL}`,
      "1500",
      "|",
      "/",
    ],
    contenders: [ours("parley", (port) => ["chat", `ws://127.0.0.1:${port}`]), nodeWs("fanout")],
    reference: "Node ws",
    isQuick: false,
  };
}

const FRAMED: Work = {
  ...echoWork(50, 100, 32, []),
  id: "framed-50x100x32",
  title: "framed echo, 50 x 100 B, 32 in flight",
  contenders: [
    ours("parley --framing fixed:100", (port) => ["echo", `:${port}`, "--framing", "fixed:100"]),
    ours("parley --framing line", (port) => ["echo", `:${port}`, "--framing", "line"]),
    PARLEY_ECHO,
    C_EPOLL,
  ],
  reference: PARLEY_ECHO.name,
};

const GUARDED: Work = {
  ...echoWork(50, 64, 1, []),
  id: "guarded-50x64x1",
  title: "echo with every guard and metrics, 50 x 64 B, 1 in flight",
  contenders: [
    ours("parley, guarded", (port) => [
      ...["echo", `:${port}`, "--allow", "127.0.0.0/8", "--deny", "10.0.0.0/8", "--max-connections", "5000"],
      ...["--max-per-ip", "5000", "--idle-timeout", "60s", "--max-lifetime", "10m", "--metrics", "127.0.0.1:0"],
    ]),
    PARLEY_ECHO,
  ],
  reference: PARLEY_ECHO.name,
};

const CONNECT: Work = {
  id: "connect-50",
  title: "connect, one exchange of 64 B, close; 50 at a time",
  unit: "connections/s",
  load: () => ["connect_load", "PORT", "50", "64", "SECONDS"],
  contenders: [PARLEY_ECHO, C_EPOLL, NODE_NET],
  reference: C_EPOLL.name,
  isQuick: true,
};

const UDP: Work = {
  id: "udp-20x64x4",
  title: "UDP echo, 20 sockets, 64 B, window 4",
  unit: "echoes/s",
  load: () => ["udp_load", "PORT", "20", "64", "4", "SECONDS"],
  contenders: [
    {
      name: "parley",
      needs: [],
      command: (port) => [
        ...[Deno.execPath(), "run", "--unstable-net", "-N", sourcePath("../../src/udp.ts")],
        ...["serve", "echo", `udp://127.0.0.1:${port}`, "--log-level", "off"],
      ],
    },
    NODE_DGRAM,
  ],
  reference: NODE_DGRAM.name,
  isQuick: true,
  isUdp: true,
};

/** Every work, in the order of the table. */
export const WORKS: readonly Work[] = [
  echoWork(50, 64, 1, ALL_ECHO, true),
  echoWork(50, 64, 32, ALL_ECHO, true),
  echoWork(10, 65_536, 4, MAIN_ECHO, true),
  echoWork(1, 64, 1, MAIN_ECHO),
  echoWork(1_000, 64, 1, MAIN_ECHO),
  echoWork(50, 1_024, 32, MAIN_ECHO),
  FRAMED,
  GUARDED,
  CONNECT,
  fanoutWork(100, 1, true),
  fanoutWork(100, 32, true),
  fanoutWork(1_000, 16),
  webSocketWork(50, 64, 1, true),
  webSocketWork(50, 64, 32),
  webSocketWork(10, 16_000, 4),
  webSocketFanoutWork(100, 32),
  UDP,
];
