/**
 * The client address that proxies report in `Forwarded` (RFC 7239) and `X-Forwarded-For`. Anyone can send these fields,
 * so only values added by trusted proxies count.
 *
 * @module
 */

import { isIp, splitHostPort } from "../base/ip.ts";
import { HttpError, type HttpFields } from "./head.ts";

/** A client's address; the port is 0 if it is not reported. */
export interface ForwardedAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The client of a request from a trusted proxy: the last address that is not a trusted proxy, or else the first one.
 * `undefined` if no address is reported.
 *
 * @throws {HttpError} 400: the two fields disagree, for example because the client sent the one that its proxy does not
 *   replace.
 */
export function forwardedAddress(
  fields: HttpFields,
  isTrusted: (address: string) => boolean,
): ForwardedAddress | undefined {
  const standard = chainOf(fields.get("forwarded"), forOf);
  const usual = chainOf(fields.get("x-forwarded-for"), (node) => node);
  if (
    standard !== undefined && usual !== undefined &&
    clientOf(standard, isTrusted)?.host !== clientOf(usual, isTrusted)?.host
  ) {
    throw new HttpError(400, "Forwarded and X-Forwarded-For report different clients");
  }
  return clientOf(standard ?? usual ?? [], isTrusted);
}

function clientOf(
  chain: readonly (ForwardedAddress | undefined)[],
  isTrusted: (address: string) => boolean,
): ForwardedAddress | undefined {
  let client: ForwardedAddress | undefined;
  for (const address of chain.toReversed()) {
    // An obfuscated or unknown address: earlier entries come from an unknown proxy.
    if (address === undefined) return client;
    client = address;
    if (!isTrusted(address.host)) return client;
  }
  return client;
}

function chainOf(
  value: string | undefined,
  nodeOf: (element: string) => string | undefined,
): (ForwardedAddress | undefined)[] | undefined {
  return value?.split(",").map((element) => parseNode(nodeOf(element.trim()) ?? ""));
}

/** The `for` parameter of an element of `Forwarded` (RFC 7239, section 4). */
function forOf(element: string): string | undefined {
  return /(?:^|;)\s*for=(?:"([^"]*)"|([^;\s]*))/i.exec(element)?.slice(1).find((value) => value !== undefined);
}

/** An address with an optional port; IPv6 has brackets in `Forwarded`, but usually not in `X-Forwarded-For`. */
function parseNode(text: string): ForwardedAddress | undefined {
  if (isIp(text)) return { host: text, port: 0 };
  const { host = "", port = 0 } = splitHostPort(text) ?? {};
  return isIp(host) ? { host, port } : undefined;
}
