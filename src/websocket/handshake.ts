/**
 * The opening handshake of WebSocket (RFC 6455, section 4) for both sides. No I/O.
 *
 * @module
 */

import { utf8 } from "../base/bytes.ts";
import { HttpError, type HttpFields, type HttpRequestHead, listOf, TOKEN } from "../http/head.ts";
import { isLocalName } from "../http/origin.ts";

const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION = "13";

/** The response to a request without a valid WebSocket upgrade (RFC 6455, section 4.4). */
export function upgradeRequired(message: string): HttpError {
  return new HttpError(426, message, {
    Upgrade: "websocket",
    Connection: "Upgrade, close",
    "Sec-WebSocket-Version": VERSION,
  });
}

/** Whether the request is meant to be a WebSocket upgrade, even if it is invalid. */
export function isUpgrade({ fields }: HttpRequestHead): boolean {
  return listOf(fields.get("upgrade")).includes("websocket") || fields.has("sec-websocket-key") ||
    fields.has("sec-websocket-version");
}

/**
 * Checks a client's request (section 4.2.1).
 *
 * @throws {HttpError} 400, 405 or 426 with the reason.
 */
export function checkUpgrade(request: HttpRequestHead): { key: string } {
  const { fields } = request;
  if (request.method !== "GET") throw new HttpError(405, "a WebSocket handshake must use GET", { Allow: "GET" });
  if (request.version !== "1.1") throw new HttpError(400, "WebSocket requires HTTP/1.1");
  if (!listOf(fields.get("upgrade")).includes("websocket")) {
    throw new HttpError(400, "the Upgrade field is not websocket");
  }
  if (!listOf(fields.get("connection")).includes("upgrade")) {
    throw new HttpError(400, "the Connection field is not Upgrade");
  }
  if (fields.get("sec-websocket-version") !== VERSION) {
    throw upgradeRequired(`only version ${VERSION} of WebSocket is supported`);
  }
  const key = fields.get("sec-websocket-key") ?? "";
  // 16 bytes in base64: 22 digits, the last with two significant bits, and two padding characters.
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key)) {
    throw new HttpError(400, "the Sec-WebSocket-Key field is not 16 bytes in base64");
  }
  // It would come after the response, in place of frames.
  if (request.bodyLength !== 0) throw new HttpError(400, "a WebSocket handshake must not have a body");
  return { key };
}

/**
 * Why a page may not connect; `undefined` if it may: same-origin pages and allowed origins. Non-browser clients send no
 * Origin and are accepted (section 10.2).
 *
 * @param allowed From `parseOrigin()`.
 * @param isTls With TLS the browser has verified the host name.
 */
export function originFault(
  request: HttpRequestHead,
  allowed: readonly string[],
  isTls: boolean,
): string | undefined {
  const origin = request.fields.get("origin");
  if (origin === undefined || allowed.includes("*") || allowed.includes(origin)) return undefined;
  const host = /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase();
  if (host === undefined || host !== request.host?.toLowerCase()) {
    return `origin ${origin} is not allowed (allow it with --origin)`;
  }
  if (isTls || isLocalName(host)) return undefined;
  return `host name ${host} is not known to be local, possible DNS rebinding (allow it with --origin ${origin})`;
}

/** Selects the first supported subprotocol that the client offers (section 4.2.2). */
export function chooseSubprotocol(fields: HttpFields, ours: readonly string[]): string | undefined {
  const offered = (fields.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  return ours.find((name) => offered.includes(name));
}

/** The `Sec-WebSocket-Accept` value for a key (section 4.2.2). */
export async function acceptOf(key: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-1", utf8(key + ACCEPT_GUID))).toBase64();
}

/** Fields of the 101 response. */
export async function upgradeFields(
  key: string,
  { subprotocol, extensions }: { subprotocol?: string | undefined; extensions?: string | undefined },
): Promise<Record<string, string>> {
  return {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": await acceptOf(key),
    ...(subprotocol === undefined ? {} : { "Sec-WebSocket-Protocol": subprotocol }),
    ...(extensions === undefined ? {} : { "Sec-WebSocket-Extensions": extensions }),
  };
}

/** A random key for one request. */
export function makeKey(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toBase64();
}

const IS_TOKEN = new RegExp(`^${TOKEN}$`);

/**
 * Fields of a client's request (section 4.1).
 *
 * @throws {RangeError} A subprotocol is not a token or offered twice, the origin is empty, or a header is not allowed.
 */
export function requestFields(
  host: string,
  key: string,
  options: HandshakeOptions,
): Record<string, string> {
  const { subprotocols = [], origin, extensions, headers = [] } = options;
  const wrong = subprotocols.find((name, index) => !IS_TOKEN.test(name) || subprotocols.indexOf(name) !== index);
  if (wrong !== undefined) throw new RangeError(`Cannot offer the subprotocol "${wrong}": it must be a unique token`);
  if (origin === "") throw new RangeError("Cannot send an Origin field: the origin must not be empty");
  const fields: Record<string, string> = {
    Host: host,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": VERSION,
    ...(subprotocols.length > 0 ? { "Sec-WebSocket-Protocol": subprotocols.join(", ") } : {}),
    ...(origin === undefined ? {} : { Origin: origin }),
    ...(extensions === undefined ? {} : { "Sec-WebSocket-Extensions": extensions }),
  };
  for (const [name, value] of headers) addField(fields, name, value);
  return fields;
}

/** Options of a client's request. */
interface HandshakeOptions {
  readonly subprotocols?: readonly string[] | undefined;
  readonly origin?: string | undefined;
  readonly extensions?: string | undefined;
  /** Additional fields; `Host` and `Origin` replace the default ones. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** Repeated fields are joined; cookies have their own separator (RFC 6265, section 4.2.1). */
function addField(fields: Record<string, string>, name: string, value: string): void {
  const lower = name.toLowerCase();
  if (!IS_TOKEN.test(name)) throw new RangeError(`Cannot send the header "${name}": its name must be a token`);
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new RangeError(`Cannot send the header "${name}": its value contains a character that HTTP does not allow`);
  }
  if (/^(?:upgrade|connection|content-length|transfer-encoding|sec-websocket-.*)$/.test(lower)) {
    throw new RangeError(`Cannot send the header "${name}": the WebSocket handshake sets it`);
  }
  const known = Object.keys(fields).find((other) => other.toLowerCase() === lower) ?? name;
  const isSingle = lower === "host" || lower === "origin" || fields[known] === undefined;
  fields[known] = isSingle ? value : `${fields[known]}${lower === "cookie" ? "; " : ", "}${value}`;
}

/** The error in a server's 101 response (section 4.1), or `undefined`. */
export async function faultOfAnswer(
  fields: HttpFields,
  key: string,
  offered: readonly string[],
): Promise<string | undefined> {
  if (!listOf(fields.get("upgrade")).includes("websocket")) return "its Upgrade field is not websocket";
  if (!listOf(fields.get("connection")).includes("upgrade")) return "its Connection field is not Upgrade";
  if (fields.get("sec-websocket-accept") !== await acceptOf(key)) return "its Sec-WebSocket-Accept is wrong";
  const subprotocol = fields.get("sec-websocket-protocol");
  if (subprotocol === "") return "its Sec-WebSocket-Protocol field is empty";
  if (subprotocol !== undefined && !offered.includes(subprotocol)) {
    return `it chose the subprotocol ${subprotocol}, which was not offered`;
  }
  return undefined;
}
