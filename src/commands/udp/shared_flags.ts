import { UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import type { BindOptions } from "../../factory.ts";
import { AccessList } from "../../guard/access_list.ts";
import { DatagramGate } from "../../guard/datagram_gate.ts";
import { isMulticast } from "../../base/ip.ts";
import { isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { LOG_LEVELS } from "../../log/logger.ts";
import { SOCKET_FLAGS, socketOptionsOf } from "../socket_flags.ts";

/** Flags that every command of `parley-udp` which talks has. */
export const LOG_FLAGS = {
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "warning", help: "least level of log lines" },
  logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "form of log lines" },
} as const satisfies FlagTable;

/** Flags that every command of `parley-udp` which serves has. */
export const SERVE_FLAGS = {
  printEndpoint: { type: "boolean", help: "print each endpoint on standard output once datagrams are received" },
  readyFile: { type: "text", placeholder: "FILE", help: "write the endpoints to FILE once datagrams are received" },
  maxDatagrams: { type: "integer", least: 1, help: "end after N datagrams have come" },
  maxBytes: { type: "size", default: "65507", help: "a longer datagram is dropped and counted as truncated" },
  allow: { type: "text", repeat: true, placeholder: "CIDR", help: "serve only senders of this address range" },
  deny: { type: "text", repeat: true, placeholder: "CIDR", help: "drop what comes from this range, also if allowed" },
  ratePerIp: { type: "integer", least: 1, help: "drop what an IP address sends beyond N datagrams a second" },
  limitLoopback: { type: "boolean", help: "--rate-per-ip holds for the senders of this machine too" },
  receiveBuffer: SOCKET_FLAGS.receiveBuffer,
  interface: {
    type: "text",
    placeholder: "INTERFACE",
    help: "join multicast groups here: an interface's address for IPv4, its index for IPv6",
  },
  metrics: {
    type: "text",
    placeholder: "ENDPOINT",
    help: "serve /metrics (Prometheus) and /healthz by HTTP on ENDPOINT",
  },
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "info", help: "least level of log lines" },
  logFormat: LOG_FLAGS.logFormat,
} as const satisfies FlagTable;

/** Who may send, and how often, as {@linkcode SERVE_FLAGS} ask for. */
export function datagramGateOf(flags: FlagValues<typeof SERVE_FLAGS>): DatagramGate | undefined {
  const hasRules = flags.allow.length > 0 || flags.deny.length > 0;
  if (!hasRules && flags.ratePerIp === undefined) return undefined;
  return new DatagramGate({
    access: hasRules ? new AccessList(flags) : undefined,
    perSecond: flags.ratePerIp,
    limitsLoopback: flags.limitLoopback,
  });
}

/**
 * How {@linkcode SERVE_FLAGS} want a socket bound.
 *
 * @param endpoints All that are bound, and the groups that are joined.
 * @throws {UsageError} A flag would be without effect.
 */
export function bindOptionsOf(
  flags: FlagValues<typeof SERVE_FLAGS>,
  context: string,
  endpoints: readonly string[],
): BindOptions {
  if (flags.maxBytes === 0) throw new UsageError("--max-bytes: at least 1 byte");
  if (flags.interface !== undefined && !endpoints.some(isGroup)) {
    throw new UsageError("--interface is for multicast groups, as in udp://239.0.0.7:5000");
  }
  return {
    context,
    maxBytes: flags.maxBytes,
    socketOptions: socketOptionsOf({ receiveBuffer: flags.receiveBuffer }),
    ...(flags.interface === undefined ? {} : { interface: flags.interface }),
  };
}

function isGroup(text: string): boolean {
  if (isMulticast(text)) return true;
  const endpoint = parseEndpoint(text, { scheme: "udp" });
  return isHostEndpoint(endpoint) && isMulticast(endpoint.host);
}
