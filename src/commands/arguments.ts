import { UsageError } from "../base/errors.ts";
import { parseIp } from "../base/ip.ts";

/**
 * The endpoint, the only argument of a command.
 *
 * @throws {UsageError} The endpoint is missing, or there are further arguments.
 */
export function endpointArgument(args: readonly string[]): string {
  const [endpoint, ...more] = args;
  if (endpoint === undefined) throw new UsageError("the endpoint is missing");
  rejectMore(more, endpoint);
  return endpoint;
}

/**
 * Rejects extra arguments.
 *
 * @param endpoint The endpoint, for a hint if `HOST PORT` was meant.
 * @throws {UsageError} There are extra arguments; the message names the first.
 */
export function rejectMore([extra]: readonly string[], endpoint?: string): void {
  if (extra === undefined) return;
  const isIpv6 = endpoint !== undefined && parseIp(endpoint)?.length === 16;
  const isPort = endpoint !== undefined && /^\d{1,5}$/.test(extra) && (isIpv6 || !/:\d+$/.test(endpoint));
  const host = isIpv6 ? `[${endpoint}]` : endpoint;
  throw new UsageError(`unexpected argument "${extra}"${isPort ? `; did you mean ${host}:${extra}?` : ""}`);
}
