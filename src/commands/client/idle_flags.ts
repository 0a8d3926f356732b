import { UsageError } from "../../base/errors.ts";
import { kebabCase } from "../../base/flag_spec.ts";
import type { GivenFlag } from "../../cli/parse_flags.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";

const TLS_FLAGS: ReadonlySet<string> = new Set([
  ...["tlsCa", "tlsName", "tlsInsecure", "tlsCert", "tlsKey", "alpn", "minDays", "minTls"],
]);
const WEBSOCKET_FLAGS: ReadonlySet<string> = new Set([
  "subprotocol",
  "origin",
  "status",
  "text",
  "binary",
  "expectType",
]);

/**
 * Refuses flags about TLS or WebSocket where no endpoint has any: a certificate
 * that was never looked at must not pass for a good one.
 *
 * @throws {UsageError} Names the flag, and what it needs.
 */
export function refuseIdleFlags(given: readonly GivenFlag[], endpoints: readonly Endpoint[]): void {
  for (const { name, value } of given) {
    if (TLS_FLAGS.has(name) && !endpoints.some(hasTls)) throw refusal(name, "tls:// or wss://", endpoints);
    const isOfWebSocket = WEBSOCKET_FLAGS.has(name) || name === "expectClose" && typeof value === "number";
    if (name === "stableFor" && !endpoints.some(isStream)) throw refusal(name, "a connection", endpoints);
    if (isOfWebSocket && !endpoints.some(isWebSocket)) throw refusal(name, "ws:// or wss://", endpoints);
  }
}

/** Whether TLS protects what goes there. */
export function hasTls({ scheme }: Endpoint): boolean {
  return scheme === "tls" || scheme === "wss";
}

/** Whether WebSocket is spoken there. */
export function isWebSocket({ scheme }: Endpoint): boolean {
  return scheme === "ws" || scheme === "wss";
}

/** Whether there is a connection that can stay open. */
function isStream({ scheme }: Endpoint): boolean {
  return scheme !== "udp" && scheme !== "unixgram";
}

function refusal(name: string, wanted: string, endpoints: readonly Endpoint[]): UsageError {
  const found = endpoints.map(formatEndpoint).join(" ");
  return new UsageError(`--${kebabCase(name)} needs an endpoint with ${wanted}, not ${found}`);
}
