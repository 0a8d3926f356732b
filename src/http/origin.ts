import { UsageError } from "../base/errors.ts";
import { isIp } from "../base/ip.ts";
import { HttpError, type HttpRequestHead } from "./head.ts";

/**
 * Parses an allowed origin: `https://chat.example`, `null` for pages without one, or `*` for any.
 *
 * @throws {UsageError} It is not an origin.
 */
export function parseOrigin(text: string): string {
  if (text === "*" || text === "null") return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
    throw new UsageError(`Cannot use "${text}" as an origin: write a scheme and a host, as in https://chat.example`);
  }
  return url.origin;
}

/** Suffixes that do not exist in the public DNS (RFC 6761, RFC 6762, RFC 8375, and ICANN for `internal`). */
const PRIVATE_SUFFIX = /\.(?:localhost|local|internal|home\.arpa)$/;

/**
 * Whether a `Host` cannot be a name in the public DNS: an address, a single label, or a name under a private suffix.
 * Any other name could be made to resolve to this machine, so that a foreign page would count as same-origin (DNS
 * rebinding).
 */
export function isLocalName(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d*$/, "");
  return isIp(name.replaceAll(/[[\]]/g, "")) || /^[^.]+$/.test(name) || PRIVATE_SUFFIX.test(name);
}

/**
 * Rejects requests whose `Host` is neither an address nor a local name, as a defense against DNS rebinding.
 *
 * @throws {HttpError} 403
 */
export function assertLocalHost({ host }: HttpRequestHead): void {
  if (host === undefined || isLocalName(host)) return;
  throw new HttpError(403, `the Host "${host}" is neither an IP address nor a local name`);
}
