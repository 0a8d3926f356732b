import { type Duration, formatDuration, parseDuration } from "../base/units.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { codeOf, missingPermission, PermissionError, ResolveError, TimeoutError } from "../base/errors.ts";
import { parseIp } from "../base/ip.ts";
import { reasonOf } from "../base/system_error.ts";
import { abortable } from "./wait.ts";

/** One address of a host. */
export interface ResolvedAddress {
  /** Numeric, IPv6 without brackets. */
  readonly address: string;
  /** 4 or 6. */
  readonly family: 4 | 6;
}

/** Options of {@linkcode resolve}. */
export interface ResolveOptions {
  /**
   * Time limit.
   *
   * @default {"5s"}
   */
  timeout?: Duration | undefined;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
}

/**
 * Resolves a host with the system's resolver (hosts file and DNS, like `getaddrinfo`), in the system's order of
 * preference (RFC 6724). A numeric address resolves to itself.
 *
 * @example A numeric address needs no network
 * ```ts
 * import { resolve } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await resolve("::1"), [{ address: "::1", family: 6 }]);
 * ```
 *
 * @throws {ResolveError} The name has no address.
 * @throws {TimeoutError} The resolver did not answer in time.
 * @throws {PermissionError} The sandbox does not allow the lookup; the message names the permission.
 */
export async function resolve(host: string, options: ResolveOptions = {}): Promise<ResolvedAddress[]> {
  const bytes = parseIp(host);
  if (bytes) return [{ address: host, family: bytes.length === 4 ? 4 : 6 }];
  options.signal?.throwIfAborted();
  const timeout = parseDuration(options.timeout ?? DEFAULTS.resolveTimeoutMs);
  // Loaded lazily: most runs resolve no name.
  const { lookup } = await import("node:dns/promises");
  const found = await abortable(
    lookup(host, { all: true, order: "verbatim" }).then((all) => ({ all }), (error: unknown) => ({ error })),
    { signal: options.signal, timeout },
    () =>
      new TimeoutError(
        "resolve",
        `Cannot resolve "${host}": no answer within ${formatDuration(Math.round(timeout))}`,
        { afterMs: timeout },
      ),
  );
  if ("error" in found) {
    if (codeOf(found.error) === "EPERM") {
      const message = `Cannot resolve "${host}": ${missingPermission(`--allow-net=${host}`)}`;
      throw new PermissionError(message, { cause: found.error });
    }
    throw new ResolveError(
      `Cannot resolve "${host}": ${resolverReason(codeOf(found.error)) ?? reasonOf(found.error)}`,
      { cause: found.error },
    );
  }
  const addresses = found.all.map(({ address, family }): ResolvedAddress => ({
    address,
    family: family === 6 ? 6 : 4,
  }));
  if (addresses.length === 0) throw new ResolveError(`Cannot resolve "${host}": the name has no address`);
  return addresses.filter(({ address }, index) => addresses.findIndex((other) => other.address === address) === index);
}

/** The meaning of a resolver's error code. */
export function resolverReason(code: string | undefined): string | undefined {
  if (code === "ENOTFOUND" || code === "ENODATA") return "unknown host (name not found)";
  return code === "EAI_AGAIN" ? "the name server does not respond" : undefined;
}
