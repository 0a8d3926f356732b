import { DEFAULTS } from "../../base/defaults.ts";
import { UsageError } from "../../base/errors.ts";
import { type FlagTable, inGroup, kebabCase } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import type { GivenFlag } from "../../cli/parse_flags.ts";
import { type Endpoint, formatEndpoint, isSecure, isWebSocket } from "../../net/endpoint.ts";
import { streamLogFlags } from "../program_logging.ts";
import { TLS_FLAGS } from "./tls_flags.ts";

/** Flags of every command that opens connections. */
export const CONNECTION_FLAGS = {
  ...inGroup("Framing", {
    framing: {
      type: "text",
      placeholder: "FRAMING",
      help: "line, length:4be (1, 2, 4, 8, be or le, varint), delimiter:X, fixed:N or raw (default raw)",
    },
  }),
  ...inGroup("Connection", {
    connectTimeout: {
      type: "duration",
      default: formatDuration(DEFAULTS.connectTimeoutMs),
      help: "maximum time to connect",
    },
  }),
  ...streamLogFlags("warning"),
} as const satisfies FlagTable;

/** All but `--handshake-timeout`, which also limits the handshake of WebSocket. */
const TLS_ONLY_FLAGS = Object.keys(TLS_FLAGS).filter((name) => name !== "handshakeTimeout");
const WEBSOCKET_FLAGS: ReadonlySet<string> = new Set([
  "subprotocol",
  "origin",
  "header",
  "bearer",
  "cookie",
  "follow",
  "compress",
  "close",
  "ping",
  "text",
  "binary",
  "expectType",
]);

/**
 * Rejects flags about TLS or WebSocket if no endpoint uses it: a certificate that
 * was never checked must not pass for a valid one.
 *
 * @throws {UsageError} Names the flag, and what it needs.
 */
export function rejectInapplicableFlags(given: readonly GivenFlag[], endpoints: readonly Endpoint[]): void {
  for (const { name, value } of given) {
    if (TLS_ONLY_FLAGS.includes(name) && !endpoints.some(isSecure)) throw refusal(name, "tls:// or wss://", endpoints);
    const isOfWebSocket = WEBSOCKET_FLAGS.has(name) || name === "expectClose" && typeof value === "number";
    if (isOfWebSocket && !endpoints.some(isWebSocket)) throw refusal(name, "ws:// or wss://", endpoints);
  }
}

function refusal(name: string, wanted: string, endpoints: readonly Endpoint[]): UsageError {
  const found = endpoints.map(formatEndpoint).join(" ");
  return new UsageError(`--${kebabCase(name)} needs an endpoint with ${wanted}, not ${found}`);
}
