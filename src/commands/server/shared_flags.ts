import { DEFAULTS } from "../../base/defaults.ts";
import { LOG_LEVELS } from "../../log/logger.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { SOCKET_FLAGS } from "../socket_flags.ts";
import { SERVER_TLS_FLAGS } from "./tls_of_flags.ts";

/** Flags that every service of `parley-server` has. */
export const SHARED_FLAGS = {
  framing: {
    type: "text",
    placeholder: "FRAMING",
    help: "line, length:4be (1, 2, 4, 8, be or le, varint), delimiter:X, fixed:N or raw",
  },
  idleTimeout: { type: "duration", help: "close a client that neither sends nor receives for TIME" },
  maxLifetime: { type: "duration", help: "close a client TIME after it came" },
  writeTimeout: {
    type: "duration",
    default: "10s",
    help: "close a client that takes nothing of what is sent for TIME",
  },
  maxOutbox: {
    type: "size",
    formerName: "outbox",
    default: "1MiB",
    help: "maximum bytes queued for a client; a chat client that exceeds it is closed",
  },
  maxConnections: {
    type: "integer",
    min: 1,
    help: "serve at most N clients at once (10000, or the open-file limit less 64); more wait to be accepted",
  },
  maxPerIp: {
    type: "integer",
    min: 1,
    default: DEFAULTS.maxConnectionsPerAddress,
    help: "refuse further clients of an IP address, or an IPv6 /64 network, that has N",
  },
  connectRate: { type: "integer", min: 1, help: "refuse an IP address that connects more often than N a second" },
  rate: { type: "integer", min: 1, help: "read at most N messages a second of a client; it is slowed down" },
  byteRate: { type: "size", help: "read at most SIZE a second of a client" },
  limitLoopback: { type: "boolean", help: "limit the clients of this machine too by address" },
  allow: {
    type: "text",
    repeat: true,
    placeholder: "CIDR",
    help: "serve only clients of this address range, such as 10.0.0.0/8",
  },
  deny: {
    type: "text",
    repeat: true,
    placeholder: "CIDR",
    help: "do not serve clients of this range, also if allowed",
  },
  accessFile: {
    type: "text",
    placeholder: "FILE",
    help: 'more ranges in FILE, in lines "allow CIDR" and "deny CIDR"; SIGHUP reads it again',
  },
  auth: {
    type: "text",
    placeholder: "FILE",
    help: "serve only who logs in with a name of FILE, made by hash-password; SIGHUP reads it again",
  },
  authTimeout: { type: "duration", help: "for the log-in to come, with --auth (default 10s)" },
  metrics: {
    type: "text",
    placeholder: "ENDPOINT",
    help: "serve /metrics (Prometheus), /healthz and /connections (JSON) by HTTP on ENDPOINT",
  },
  ...SERVER_TLS_FLAGS,
  exitAfter: { type: "integer", min: 1, formerName: "max-accepts", help: "end after N connections" },
  workers: {
    type: "integer",
    min: 1,
    max: 64,
    default: 1,
    help: "serve with N threads that share the ports (Linux); limits by address count in each thread",
  },
  origin: { type: "text", repeat: true, placeholder: "URL", help: "let pages of URL open WebSockets here, * any page" },
  pingInterval: {
    type: "duration",
    default: "25s",
    help: "ping clients over WebSocket and on the JSON wire every TIME",
  },
  pingTimeout: { type: "duration", default: "10s", help: "close a client that does not answer a ping within TIME" },
  maxMessage: { type: "size", default: "64KiB", help: "most bytes of a WebSocket message" },
  printEndpoint: { type: "boolean", help: "print each endpoint on standard output once connections are accepted" },
  readyFile: { type: "text", placeholder: "FILE", help: "write the endpoints to FILE once connections are accepted" },
  drainTimeout: { type: "duration", default: "10s", help: "at the end, wait TIME for the clients to finish" },
  ...SOCKET_FLAGS,
  explain: { type: "boolean", help: "for newcomers: say what each step on a socket is" },
  trace: { type: "boolean", help: "log every socket step with a hex dump: the same as --log-level trace" },
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "info", help: "least level of log lines" },
  logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "form of log lines" },
} as const satisfies FlagTable;
