import { joinLines, NO_BYTES, preview, utf8 } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { ClosedEarlyError, messageOf, type ParleyError, TimeoutError, UpgradeError } from "../base/errors.ts";
import { type Duration, formatDuration, parseDuration, parseSize, type Size } from "../base/units.ts";
import { connect } from "../factory.ts";
import type { ConnectOptions } from "../net/options.ts";
import type { HttpResponseHead } from "../http/head.ts";
import { basicCredentials } from "../http/authorization.ts";
import { encodeHead, reasonPhrase } from "../http/response.ts";
import { HttpBodyReader, responseBodyLength } from "../http/body.ts";
import { InvalidResponseError, readResponseHead } from "../http/client.ts";
import { Logger } from "../log/logger.ts";
import type { Connection } from "../net/connection.ts";
import { Deadline } from "../net/deadline.ts";
import { type Endpoint, formatAuthority, formatEndpoint, isHostEndpoint, requestPathOf } from "../net/endpoint.ts";
import type { CloseFrame } from "../session/close_code.ts";
import { loadDeflateCodec, loadWebSocketCodec } from "./codec.ts";
import type { DeflateAgreement } from "./deflate.ts";
import { faultOfAnswer, makeKey, requestFields } from "./handshake.ts";
import type { PingOptions } from "./pinger.ts";
import { WebSocketSession } from "./session.ts";

/** Maximum bytes of an error response's body to read for the message. */
const REASON_BYTES = 1_024;
/** Maximum bytes of the decoded body. */
const DECODED_BYTES = 64 * 1_024;
/** Time limit for each further chunk of that body. */
const REASON_MS = 500;
/** Maximum bytes shown of a response that is not HTTP. */
const SHOWN_BYTES = 80;
const SWITCHING_PROTOCOLS = 101;
/** The host that is named to a server at a Unix socket. */
const SOCKET_HOST = "localhost";
const SECRET_FIELDS = /^(?:(?:proxy-)?authorization|cookie)$/i;

/** Options of a WebSocket client. */
export interface WebSocketDialOptions extends ConnectOptions {
  /** Subprotocols to offer in order of preference; the session has the selected one. */
  subprotocols?: readonly string[];
  /** The `Origin` field, as a browser would send it. */
  origin?: string;
  /** Additional header fields, such as `Authorization` and `Cookie`; those of the handshake itself are not allowed. */
  headers?: readonly (readonly [name: string, value: string])[];
  /**
   * Offers to compress messages (permessage-deflate, RFC 7692); the server may decline.
   *
   * @default {false}
   */
  compresses?: boolean;
  /**
   * Maximum number of redirects to follow; `Authorization` and `Cookie` are sent to the first host only.
   *
   * @default {0}
   */
  maxRedirects?: number;
  /** Code and reason of this side's Close frame, instead of 1000. */
  closeFrame?: CloseFrame;
  /**
   * Lets the caller answer the server's Close frame: it can send remaining data and must then call `sendClose()` or
   * `finish()`.
   *
   * @default {false}
   */
  answersCloseLate?: boolean;
  /** Ping settings; no pings by default. */
  pings?: PingOptions;
  /** Called for each pong with the round-trip time in milliseconds. */
  onRoundTrip?: (ms: number) => void;
  /**
   * Time limit for the response to the opening handshake.
   *
   * @default {"5s"}
   */
  handshakeTimeout?: Duration;
  /**
   * Maximum bytes of a message from the server.
   *
   * @default {"64MiB"}
   */
  maxMessage?: Size;
}

/**
 * Connects and performs the opening handshake (RFC 6455, section 4.1).
 *
 * @throws {UpgradeError} The server rejected the upgrade.
 * @throws {TimeoutError} A deadline passed; see its phase.
 */
export async function dialWebSocket(
  endpoint: Endpoint,
  options: WebSocketDialOptions = {},
): Promise<WebSocketSession> {
  let target = endpoint;
  let { headers = [] } = options;
  for (let redirects = options.maxRedirects ?? 0;; redirects--) {
    try {
      // A trace would show credentials.
      const isTraced = credentialsOf(target) === undefined && !headers.some(([name]) => SECRET_FIELDS.test(name));
      const connection = await connect(target, isTraced ? options : { ...options, isTraced });
      return await openWebSocket(connection, target, { ...options, headers });
    } catch (error) {
      const next = redirects > 0 && error instanceof UpgradeError ? redirectTarget(error.location, target) : undefined;
      if (next === undefined) throw error;
      Logger.of(options.context ?? "parley").debug(`following a redirect to ${formatEndpoint(next)}`);
      const isSameHost = next.host === target.host && next.port === target.port;
      const credentials = isSameHost ? credentialsOf(target) : undefined;
      if (!isSameHost) headers = headers.filter(([name]) => !/^(?:authorization|cookie|host)$/i.test(name));
      target = isHostEndpoint(next) && credentials !== undefined ? { ...next, credentials } : next;
    }
  }
}

/** Target of a redirect; `undefined` if it is not a WebSocket endpoint or would downgrade from TLS. */
function redirectTarget(location: string | undefined, from: Endpoint): Endpoint | undefined {
  if (location === undefined) return undefined;
  const isPath = !isHostEndpoint(from);
  const url = URL.parse(location, isPath ? `http://${SOCKET_HOST}` : formatEndpoint(from).replace(/^ws/, "http"));
  const scheme = url && { "http:": "ws", "https:": "wss", "ws:": "ws", "wss:": "wss" }[url.protocol];
  if (url === null || (scheme !== "ws" && scheme !== "wss") || from.scheme === "wss" && scheme === "ws") {
    return undefined;
  }
  if (isPath && url.host === SOCKET_HOST) return { ...from, requestPath: `${url.pathname}${url.search}` };
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? scheme === "ws" ? 80 : 443 : Number(url.port);
  return { scheme, host, port, path: `${url.pathname}${url.search}` };
}

/**
 * Performs the opening handshake on a connection, which is closed on failure. Throws like {@linkcode dialWebSocket}.
 */
export async function openWebSocket(
  connection: Connection,
  endpoint: Endpoint,
  options: WebSocketDialOptions = {},
): Promise<WebSocketSession> {
  try {
    const plain = await loadWebSocketCodec("client");
    const { deflate, ...agreed } = await handshake(connection, endpoint, options);
    const codec = deflate === undefined ? plain : await loadDeflateCodec(plain, deflate);
    connection.log.debug("upgraded to WebSocket", { subprotocol: agreed.subprotocol });
    return new WebSocketSession(connection, {
      codec,
      ...agreed,
      ownClose: options.closeFrame,
      answersCloseLate: options.answersCloseLate,
      pings: options.pings,
      onRoundTrip: options.onRoundTrip,
      maxMessageBytes: parseSize(options.maxMessage ?? "64MiB"),
    });
  } catch (error) {
    connection.close("handshake failed");
    throw error;
  }
}

async function handshake(
  connection: Connection,
  endpoint: Endpoint,
  options: WebSocketDialOptions,
): Promise<{ subprotocol: string | undefined; early: Uint8Array; deflate: DeflateAgreement | undefined }> {
  const key = makeKey();
  const timeoutMs = parseDuration(options.handshakeTimeout ?? DEFAULTS.handshakeTimeoutMs);
  const deadline = new Deadline(timeoutMs, options.signal);
  const deflate = options.compresses ? await import("./deflate.ts") : undefined;
  const fields = requestFields(
    isHostEndpoint(endpoint)
      ? formatAuthority(endpoint.host, endpoint.port, endpoint.scheme === "ws" ? 80 : 443)
      : SOCKET_HOST,
    key,
    {
      ...options,
      headers: [...authorizationOf(endpoint), ...options.headers ?? []],
      extensions: deflate?.DEFLATE_OFFER,
    },
  );
  await connection.write(encodeHead(`GET ${requestPathOf(endpoint)} HTTP/1.1`, fields));
  const { head: answer, rest } = await readAnswer(connection, endpoint, deadline, timeoutMs);
  if (answer.status !== SWITCHING_PROTOCOLS) {
    throw await refusalOf(endpoint, answer, await readBody(connection, rest, answer, deadline));
  }
  const chosen = answer.fields.get("sec-websocket-extensions");
  const agreed = chosen === undefined
    ? undefined
    : deflate?.readDeflateAnswer(chosen) ?? { fault: "it chose an extension that was not offered" };
  const fault = await faultOfAnswer(answer.fields, key, options.subprotocols ?? []) ??
    (agreed !== undefined && "fault" in agreed ? agreed.fault : undefined);
  if (fault !== undefined || agreed !== undefined && "fault" in agreed) {
    throw upgradeError(endpoint, { status: SWITCHING_PROTOCOLS }, `the server does not speak WebSocket: ${fault}`);
  }
  return { subprotocol: answer.fields.get("sec-websocket-protocol"), early: rest, deflate: agreed };
}

function credentialsOf(endpoint: Endpoint) {
  return isHostEndpoint(endpoint) ? endpoint.credentials : undefined;
}

function authorizationOf(endpoint: Endpoint): [string, string][] {
  const credentials = credentialsOf(endpoint);
  return credentials === undefined ? [] : [["Authorization", basicCredentials(credentials.user, credentials.password)]];
}

async function readAnswer(
  connection: Connection,
  endpoint: Endpoint,
  deadline: Deadline,
  timeoutMs: number,
): Promise<{ head: HttpResponseHead; rest: Uint8Array }> {
  const text = formatEndpoint(endpoint);
  try {
    const found = await readResponseHead(() => connection.read(deadline.wait()));
    if ("head" in found) return found;
    const message = `Cannot open ${text}: the server closed the connection before it answered the WebSocket handshake`;
    throw new ClosedEarlyError(message, { endpoint: text, received: found.received });
  } catch (error) {
    if (error instanceof TimeoutError && error.phase === "reply") {
      const time = formatDuration(Math.round(timeoutMs));
      const message = `Cannot open ${text}: no answer to the WebSocket handshake within ${time}`;
      throw new TimeoutError("handshake", message, { endpoint: text, afterMs: timeoutMs });
    }
    if (!(error instanceof InvalidResponseError)) throw error;
    const shown = preview(error.start.subarray(0, lineLength(error.start)), SHOWN_BYTES);
    const fault = error.isHttp ? `sent an invalid HTTP response (${error.message})` : "does not speak HTTP";
    throw upgradeError(endpoint, {}, `the server ${fault}: "${shown}"`, error);
  }
}

/** The first line. */
function lineLength(bytes: Uint8Array): number {
  const end = bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d);
  return end === -1 ? bytes.length : end;
}

/** The start of the response body, which may contain the reason, as far as it arrives in time. */
async function readBody(
  connection: Connection,
  rest: Uint8Array,
  answer: HttpResponseHead,
  deadline: Deadline,
): Promise<Uint8Array> {
  let body: HttpBodyReader | undefined;
  try {
    body = new HttpBodyReader(responseBodyLength(answer), REASON_BYTES);
    body.push(rest);
    while (!body.isDone && !body.isCut) {
      const bytes = await connection.read(deadline.wait(REASON_MS));
      if (bytes === null) break;
      body.push(bytes);
    }
  } catch (error) {
    // The status is known; only the explanation is missing.
    connection.log.debug("could not read the response body", { error: messageOf(error) });
  }
  return body?.bytes ?? NO_BYTES;
}

async function refusalOf(endpoint: Endpoint, answer: HttpResponseHead, rest: Uint8Array): Promise<ParleyError> {
  const { status, reason, fields } = answer;
  const isText = /^(?:text\/|application\/(?:problem\+)?json\b)/i.test(fields.get("content-type") ?? "");
  const body = isText ? await textOf(rest, fields.get("content-encoding")) : "";
  // Parley's servers repeat the status in the text.
  const words = `${status} ${reason === "" ? reasonPhrase(status) : reason}`;
  const why = body === "" || body.startsWith(words) ? body.slice(words.length) : `: ${body}`;
  const location = status >= 300 && status < 400 ? fields.get("location") : undefined;
  const target = location === undefined ? "" : ` to ${preview(utf8(location), 200)}`;
  return upgradeError(
    endpoint,
    { status, location },
    `the server answered ${words}${target}${preview(utf8(why), 200)}`,
  );
}

/** The start of a body on one line. */
async function textOf(body: Uint8Array, coding: string | undefined): Promise<string> {
  const decoded = coding === undefined ? body : await decode(body, coding.trim().toLowerCase());
  return decoded === undefined ? `(a body encoded with ${coding})` : joinLines(new TextDecoder().decode(decoded), " ");
}

/** Decodes the start of a body (RFC 9110, section 8.4.1); `undefined` if it is invalid, too long or of another coding. */
async function decode(body: Uint8Array, coding: string): Promise<Uint8Array | undefined> {
  if (coding === "identity") return body;
  const zlib = await import("node:zlib");
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib.constants;
  // What was not read of the body must not count as an error.
  const partial = { finishFlush: Z_SYNC_FLUSH, maxOutputLength: DECODED_BYTES };
  try {
    if (coding === "gzip" || coding === "x-gzip") return zlib.gunzipSync(body, partial);
    // Some servers send deflate without the header of zlib.
    if (coding === "deflate") {
      return ((body[0] ?? 0) & 0xf) === 8 ? zlib.inflateSync(body, partial) : zlib.inflateRawSync(body, partial);
    }
    if (coding === "br") {
      return zlib.brotliDecompressSync(body, { ...partial, finishFlush: BROTLI_OPERATION_FLUSH });
    }
  } catch {
    // Invalid, or too long: the coding is reported in place of the text.
  }
  return undefined;
}

function upgradeError(
  endpoint: Endpoint,
  { status, location }: { status?: number; location?: string | undefined },
  found: string,
  cause?: unknown,
): UpgradeError {
  const text = formatEndpoint(endpoint);
  return new UpgradeError(status, `Cannot open ${text}: ${found}`, { endpoint: text, cause, location });
}
