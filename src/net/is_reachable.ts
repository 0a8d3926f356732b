import { DEFAULTS } from "../base/defaults.ts";
import { RefusedError, ResolveError, TimeoutError } from "../base/errors.ts";
import { type Duration, parseDuration } from "../base/units.ts";
import { Logger } from "../log/logger.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { directDialer } from "./direct_dialer.ts";
import { timeoutSignal } from "./wait.ts";

/** Options of {@linkcode isReachable}. */
export interface ReachableOptions {
  /**
   * Time limit, including name resolution.
   *
   * @default {"10s"}
   */
  timeout?: Duration;
  /** Aborts with its reason. */
  signal?: AbortSignal;
}

/**
 * Whether the endpoint accepts connections. For `tls`, `ws` and `wss` only TCP is checked, without a handshake.
 *
 * @example A port that is listened on
 * ```ts
 * import { isReachable, listen } from "@parley/parley";
 * import { assert } from "@std/assert";
 *
 * using listener = await listen("tcp://127.0.0.1:0");
 * assert(await isReachable(listener.endpoint, { timeout: "2s" }));
 * ```
 *
 * @throws {SyntaxError} The endpoint cannot be parsed, or is a datagram endpoint.
 * @throws {PermissionError} A permission of Deno's sandbox is missing.
 */
export async function isReachable(endpoint: string | Endpoint, options: ReachableOptions = {}): Promise<boolean> {
  const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
  if (parsed.scheme === "udp" || parsed.scheme === "unixgram") {
    const text = formatEndpoint(parsed);
    throw new SyntaxError(`Cannot connect to "${text}": a datagram socket accepts no connections`);
  }
  const timeoutMs = parseDuration(options.timeout ?? DEFAULTS.connectTimeoutMs);
  using deadline = timeoutSignal(timeoutMs, () => new TimeoutError("connect", "no answer in time"));
  const setup = {
    log: Logger.of("parley"),
    resolveTimeoutMs: timeoutMs,
    signal: options.signal ? AbortSignal.any([deadline.signal, options.signal]) : deadline.signal,
  };
  try {
    const { transport } = await directDialer.dial(parsed, setup);
    transport.close();
    return true;
  } catch (error) {
    options.signal?.throwIfAborted();
    const isUnreachable = error instanceof RefusedError || error instanceof ResolveError ||
      error instanceof TimeoutError;
    if (isUnreachable) return false;
    throw error;
  }
}
