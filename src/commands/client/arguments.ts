import { UsageError } from "../../base/errors.ts";
import { parseIp } from "../../base/ip.ts";

/**
 * The only argument of a command that takes an endpoint.
 *
 * @throws {UsageError} There is none, or another one.
 */
export function endpointArgument(args: readonly string[]): string {
  const [endpoint, ...more] = args;
  if (endpoint === undefined) throw new UsageError("the endpoint is missing");
  rejectMore(more, endpoint);
  return endpoint;
}

/**
 * Rejects arguments after the last one that a command takes.
 *
 * @param endpoint The endpoint, if `HOST PORT` may have been meant by both.
 * @throws {UsageError} Names the first of them.
 */
export function rejectMore([extra]: readonly string[], endpoint?: string): void {
  if (extra === undefined) return;
  const isIpv6 = endpoint !== undefined && parseIp(endpoint)?.length === 16;
  const isPort = endpoint !== undefined && /^\d{1,5}$/.test(extra) && (isIpv6 || !/:\d+$/.test(endpoint));
  const host = isIpv6 ? `[${endpoint}]` : endpoint;
  throw new UsageError(`unexpected argument "${extra}"${isPort ? `; did you mean ${host}:${extra}?` : ""}`);
}
