import { C_EPOLL, DENO_LOOP, DENO_UDP_LOOP, NODE_DGRAM, NODE_NET, oursUdp, PARLEY_ECHO } from "./contenders.ts";
import type { Work } from "./work.ts";

const CONNECT: Work = {
  id: "connect-50",
  title: "connect, 64 B, close; 50 at a time",
  unit: "connections/s",
  better: "more",
  how: { words: () => ["connect_load", "PORT", "50", "64", "SECONDS"], answers: "tcp" },
  contenders: [PARLEY_ECHO, C_EPOLL, DENO_LOOP, NODE_NET],
  reference: C_EPOLL.name,
  isQuick: true,
  minRatio: 0.4,
};

const UDP: Work = {
  id: "udp-20x64x4",
  title: "UDP echo, 20 sockets, 64 B, window 4",
  unit: "echoes/s",
  better: "more",
  how: { words: () => ["udp_load", "PORT", "20", "64", "4", "SECONDS"], answers: "udp" },
  contenders: [oursUdp("parley", (port) => ["serve", "echo", `udp://127.0.0.1:${port}`]), DENO_UDP_LOOP, NODE_DGRAM],
  reference: NODE_DGRAM.name,
  isQuick: true,
  minRatio: 0.74,
};

/** The sockets themselves. */
export const SOCKET_WORKS: readonly Work[] = [CONNECT, UDP];
