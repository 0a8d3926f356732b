import { type FlagTable, type FlagValues, inGroup } from "../../base/flag_spec.ts";
import { streamLogFlags } from "../program_logging.ts";
import { SOCKET_FLAGS } from "../socket_flags.ts";
import { ACCESS_FLAGS, ADDRESS_LIMIT_FLAGS } from "./access_flags.ts";
import { PROXY_FLAGS } from "./proxy_flags.ts";
import { SERVER_TLS_FLAGS } from "./tls_flags.ts";

/** Flags that every service of `parley-server` has. */
export const SHARED_FLAGS = {
  ...inGroup("Common", {
    printEndpoint: { type: "boolean", help: "print each endpoint on standard output once ready" },
    readyFile: { type: "text", placeholder: "FILE", help: "write the endpoints to FILE once ready" },
    exitAfter: { type: "integer", min: 1, formerName: "max-accepts", help: "exit after N connections" },
    drainTimeout: { type: "duration", default: "10s", help: "wait for clients during shutdown" },
    workers: {
      type: "integer",
      min: 1,
      max: 64,
      default: 1,
      help: "threads that share the ports (Linux)",
    },
  }),
  ...inGroup("Framing", {
    framing: {
      type: "text",
      placeholder: "FRAMING",
      help: "line, length:4be (1, 2, 4, 8, be or le, varint), delimiter:X, fixed:N or raw",
    },
  }),
  ...inGroup("Limits", {
    idleTimeout: { type: "duration", help: "close a client that neither sends nor receives for TIME" },
    maxLifetime: { type: "duration", help: "maximum connection lifetime" },
    writeTimeout: { type: "duration", default: "10s", help: "close a client that reads nothing for TIME" },
    maxOutbox: {
      type: "size",
      formerName: "outbox",
      default: "1MiB",
      help: "maximum bytes queued for a client; a chat client that exceeds it is closed",
    },
    maxConnections: {
      type: "integer",
      min: 1,
      help: "maximum concurrent clients (10000, or the open-file limit minus 64); others wait to be accepted",
    },
    rate: { type: "integer", min: 1, help: "read at most N messages per second from a client" },
    byteRate: { type: "size", help: "read at most SIZE per second from a client" },
  }),
  ...ADDRESS_LIMIT_FLAGS,
  ...ACCESS_FLAGS,
  ...inGroup("Proxy", PROXY_FLAGS),
  ...SERVER_TLS_FLAGS,
  ...inGroup("WebSocket", {
    origin: {
      type: "text",
      repeat: true,
      placeholder: "URL",
      help: "allow WebSockets from pages of URL; * allows any page",
    },
    tokenFile: {
      type: "text",
      placeholder: "FILE",
      help: 'accept bearer tokens in FILE, in lines "NAME TOKEN"; SIGHUP reloads it',
    },
    compress: { type: "boolean", help: "compress messages if the client offers it (permessage-deflate)" },
    pingInterval: {
      type: "duration",
      default: "25s",
      help: "ping WebSocket and JSON clients every TIME",
    },
    pingTimeout: { type: "duration", default: "10s", help: "close a client without a pong within TIME" },
    maxMessage: { type: "size", default: "64KiB", help: "maximum size of a WebSocket message" },
  }),
  ...inGroup("Socket", {
    reusePort: { type: "boolean", help: "share the port with other processes with this flag (Linux)" },
  }),
  ...SOCKET_FLAGS,
  ...inGroup("Logging", {
    metrics: {
      type: "text",
      placeholder: "ENDPOINT",
      help: "serve /metrics (Prometheus), /healthz and /connections (JSON) over HTTP on ENDPOINT",
    },
    explain: { type: "boolean", help: "explain each step on a socket, for newcomers" },
  }),
  ...streamLogFlags("info"),
} as const satisfies FlagTable;

/** Values of the flags of {@linkcode SHARED_FLAGS} that also make sense for bytes that are only forwarded. */
export type EndpointFlags = Omit<
  FlagValues<typeof SHARED_FLAGS>,
  "workers" | "framing" | "rate" | "byteRate" | "auth" | "authTimeout" | "trustedProxy"
>;
