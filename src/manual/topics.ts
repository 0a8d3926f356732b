/**
 * The manual: one page a topic, and what each is about.
 *
 * @module
 */

import type { FlagGroup } from "../base/flag_spec.ts";

/** A page of the manual. */
export interface Topic {
  /** Name: `PROGRAM help NAME`. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** The commands that it documents, with their programs. Each command is on one page. */
  readonly commands?: readonly string[];
  /** The groups of flags that it documents. Each group is on one page. */
  readonly groups?: readonly FlagGroup[];
  /** Loads the page. */
  load(): Promise<string>;
}

const PROGRAMS = ["parley-server", "parley-client", "parley-udp"];

/** Every page, in the order of the manual. */
export const TOPICS: readonly Topic[] = [
  {
    name: "install",
    summary: "installation, permissions to run, manual pages, completions",
    commands: PROGRAMS.flatMap((name) => ["help", "man", "completions"].map((each) => `${name} ${each}`)),
    load: async () => (await import("./install.md", { with: { type: "text" } })).default,
  },
  {
    name: "endpoints",
    summary: "how to write an endpoint: schemes, short forms, defaults",
    load: async () => (await import("./endpoints.md", { with: { type: "text" } })).default,
  },
  {
    name: "framing",
    summary: "how a stream is cut into messages",
    groups: ["Framing"],
    load: async () => (await import("./framing.md", { with: { type: "text" } })).default,
  },
  {
    name: "units",
    summary: "durations, sizes, rates, shares and escapes",
    load: async () => (await import("./units.md", { with: { type: "text" } })).default,
  },
  {
    name: "exit-codes",
    summary: "what each exit code means, and what signals do",
    load: async () => (await import("./exit-codes.md", { with: { type: "text" } })).default,
  },
  {
    name: "services",
    summary: "echo, greet, reply and the other services of parley-server",
    commands: [
      "parley-server echo",
      "parley-server greet",
      "parley-server reply",
      "parley-server discard",
      "parley-server chargen",
      "parley-server daytime",
      "parley-server time",
    ],
    groups: ["Common"],
    load: async () => (await import("./services.md", { with: { type: "text" } })).default,
  },
  {
    name: "exec",
    summary: "a program for each client; a client joined to a pipe",
    commands: ["parley-server exec", "parley-server pipe"],
    load: async () => (await import("./exec.md", { with: { type: "text" } })).default,
  },
  {
    name: "stack",
    summary: "many services from one file",
    commands: ["parley-server stack"],
    load: async () => (await import("./stack.md", { with: { type: "text" } })).default,
  },
  {
    name: "relay",
    summary: "forward connections, with faults and Toxiproxy's API",
    commands: ["parley-server relay"],
    load: async () => (await import("./relay.md", { with: { type: "text" } })).default,
  },
  {
    name: "faults",
    summary: "what a relay can do to a connection",
    load: async () => (await import("./faults.md", { with: { type: "text" } })).default,
  },
  {
    name: "mock",
    summary: "a scripted server for tests",
    commands: ["parley-server mock", "parley-udp mock"],
    load: async () => (await import("./mock.md", { with: { type: "text" } })).default,
  },
  {
    name: "connect",
    summary: "an interactive or piped client; recordings",
    commands: ["parley-client connect", "parley-client replay"],
    load: async () => (await import("./connect.md", { with: { type: "text" } })).default,
  },
  {
    name: "expectations",
    summary: "requests with expected replies",
    commands: ["parley-client send"],
    load: async () => (await import("./expectations.md", { with: { type: "text" } })).default,
  },
  {
    name: "readiness",
    summary: "what counts as ready, for each protocol",
    commands: ["parley-client check", "parley-client run"],
    groups: ["HTTP"],
    load: async () => (await import("./readiness.md", { with: { type: "text" } })).default,
  },
  {
    name: "smoke",
    summary: "files of tests",
    commands: ["parley-client smoke"],
    load: async () => (await import("./smoke.md", { with: { type: "text" } })).default,
  },
  {
    name: "bench",
    summary: "load on an echo server",
    commands: ["parley-client bench"],
    load: async () => (await import("./bench.md", { with: { type: "text" } })).default,
  },
  {
    name: "sockets",
    summary: "addresses, ports and socket options",
    commands: ["parley-client inspect", "parley-client resolve", "parley-client free-port"],
    groups: ["Connection", "Socket"],
    load: async () => (await import("./sockets.md", { with: { type: "text" } })).default,
  },
  {
    name: "tls",
    summary: "certificates, on servers and clients",
    groups: ["TLS"],
    load: async () => (await import("./tls.md", { with: { type: "text" } })).default,
  },
  {
    name: "websocket",
    summary: "WebSocket endpoints, origins, limits",
    groups: ["WebSocket"],
    load: async () => (await import("./websocket.md", { with: { type: "text" } })).default,
  },
  {
    name: "proxy",
    summary: "connections through proxies, and client addresses behind them",
    commands: ["parley-server proxy"],
    groups: ["Proxy"],
    load: async () => (await import("./proxy.md", { with: { type: "text" } })).default,
  },
  {
    name: "proxy-protocol",
    summary: "the client's address behind a load balancer",
    load: async () => (await import("./proxy-protocol.md", { with: { type: "text" } })).default,
  },
  {
    name: "chat",
    summary: "rooms for people and programs, and the page",
    commands: ["parley-server chat", "parley-client chat"],
    load: async () => (await import("./chat.md", { with: { type: "text" } })).default,
  },
  {
    name: "chat-protocol",
    summary: "the chat's JSON protocol",
    load: async () => (await import("./chat-protocol.md", { with: { type: "text" } })).default,
  },
  {
    name: "cluster",
    summary: "several chat servers with the same rooms",
    groups: ["Cluster"],
    load: async () => (await import("./cluster.md", { with: { type: "text" } })).default,
  },
  {
    name: "udp",
    summary: "datagrams: serve, send, measure, simulate a bad network",
    commands: [
      "parley-udp serve",
      "parley-udp send",
      "parley-udp listen",
      "parley-udp replay",
      "parley-udp bench",
      "parley-udp relay",
    ],
    load: async () => (await import("./udp.md", { with: { type: "text" } })).default,
  },
  {
    name: "limits",
    summary: "every limit of the servers, and what happens when it is reached",
    groups: ["Limits"],
    load: async () => (await import("./limits.md", { with: { type: "text" } })).default,
  },
  {
    name: "metrics",
    summary: "Prometheus metrics, health and the list of connections",
    load: async () => (await import("./metrics.md", { with: { type: "text" } })).default,
  },
  {
    name: "logging",
    summary: "log levels, formats and traces",
    groups: ["Logging"],
    load: async () => (await import("./logging.md", { with: { type: "text" } })).default,
  },
  {
    name: "security",
    summary: "login, access lists, permissions",
    commands: ["parley-server hash-password"],
    groups: ["Access"],
    load: async () => (await import("./security.md", { with: { type: "text" } })).default,
  },
  {
    name: "troubleshooting",
    summary: "what goes wrong, and what to do",
    load: async () => (await import("./troubleshooting.md", { with: { type: "text" } })).default,
  },
  {
    name: "recipes",
    summary: "Docker, Kubernetes, systemd, GitHub, GitLab, Jenkins",
    load: async () => (await import("./recipes.md", { with: { type: "text" } })).default,
  },
  {
    name: "migrating",
    summary: "what to use instead of nc, socat, websocat, wait-for-it, ...",
    load: async () => (await import("./migrating.md", { with: { type: "text" } })).default,
  },
  {
    name: "library",
    summary: "the TypeScript library",
    load: async () => (await import("./library.md", { with: { type: "text" } })).default,
  },
  {
    name: "glossary",
    summary: "terms, TCP and UDP compared, pitfalls",
    load: async () => (await import("./glossary.md", { with: { type: "text" } })).default,
  },
];
