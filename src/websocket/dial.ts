import { preview, utf8 } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { ClosedEarlyError, messageOf, type ParleyError, TimeoutError, UpgradeError } from "../base/errors.ts";
import { type Duration, formatDuration, parseDuration, parseSize, type Size } from "../base/units.ts";
import { connect, type ConnectOptions } from "../factory.ts";
import type { HttpResponseHead } from "../http/head.ts";
import { encodeHead, reasonPhrase } from "../http/response.ts";
import { HttpBodyReader, responseBodyLength } from "../http/body.ts";
import { InvalidResponseError, readResponseHead } from "../http/client.ts";
import type { Connection } from "../net/connection.ts";
import { Deadline } from "../net/deadline.ts";
import { formatEndpoint, formatHostPort, type HostEndpoint } from "../net/endpoint.ts";
import { loadWebSocketCodec } from "./codec.ts";
import { faultOfAnswer, makeKey, requestFields } from "./handshake.ts";
import { WebSocketSession } from "./session.ts";

/** Bytes of a refusal's body that are read for its explanation. */
const REASON_BYTES = 1_024;
/** How long each further piece of that body may take. */
const REASON_MS = 500;
/** Bytes of an answer that is no HTTP that are shown. */
const SHOWN_BYTES = 80;
const SWITCHING_PROTOCOLS = 101;
const NOTHING = new Uint8Array(0);

/** Options of a WebSocket client. */
export interface WebSocketDialOptions extends ConnectOptions {
  /** Subprotocols to offer, the preferred one first; the session says which was chosen. */
  subprotocols?: readonly string[];
  /** The origin to claim, as a page's browser would. */
  origin?: string;
  /**
   * For the server's answer to the opening handshake.
   *
   * @default {"5s"}
   */
  handshakeTimeout?: Duration;
  /**
   * Most bytes of a message from the server.
   *
   * @default {"64MiB"}
   */
  maxMessage?: Size;
}

/**
 * Connects and goes through the opening handshake (RFC 6455, section 4.1).
 *
 * @throws {UpgradeError} The server answered, but not with WebSocket.
 * @throws {TimeoutError} Its phase says which deadline passed.
 */
export async function dialWebSocket(
  endpoint: HostEndpoint,
  options: WebSocketDialOptions = {},
): Promise<WebSocketSession> {
  return await openWebSocket(await connect(endpoint, options), endpoint, options);
}

/** The opening handshake on a connection to the endpoint, which is closed if it fails. It throws as {@linkcode dialWebSocket}. */
export async function openWebSocket(
  connection: Connection,
  endpoint: HostEndpoint,
  options: WebSocketDialOptions = {},
): Promise<WebSocketSession> {
  try {
    const codec = await loadWebSocketCodec("client");
    const agreed = await handshake(connection, endpoint, options);
    connection.log.debug("upgraded to WebSocket", { subprotocol: agreed.subprotocol });
    return new WebSocketSession(connection, {
      codec,
      ...agreed,
      maxMessageBytes: parseSize(options.maxMessage ?? "64MiB"),
    });
  } catch (error) {
    connection.close("handshake failed");
    throw error;
  }
}

async function handshake(
  connection: Connection,
  endpoint: HostEndpoint,
  options: WebSocketDialOptions,
): Promise<{ subprotocol: string | undefined; early: Uint8Array }> {
  const key = makeKey();
  const timeoutMs = parseDuration(options.handshakeTimeout ?? DEFAULTS.handshakeTimeoutMs);
  const deadline = new Deadline(timeoutMs, options.signal);
  await connection.write(encodeHead(`GET ${endpoint.path} HTTP/1.1`, requestFields(hostOf(endpoint), key, options)));
  const { head: answer, rest } = await readAnswer(connection, endpoint, deadline, timeoutMs);
  if (answer.status !== SWITCHING_PROTOCOLS) {
    throw refusalOf(endpoint, answer, await readBody(connection, rest, answer, deadline));
  }
  const fault = await faultOfAnswer(answer.fields, key, options.subprotocols ?? []);
  if (fault !== undefined) {
    throw upgradeError(endpoint, SWITCHING_PROTOCOLS, `the server does not speak WebSocket: ${fault}`);
  }
  return { subprotocol: answer.fields.get("sec-websocket-protocol"), early: rest };
}

async function readAnswer(
  connection: Connection,
  endpoint: HostEndpoint,
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
      throw new TimeoutError("handshake", message, { endpoint: text });
    }
    if (!(error instanceof InvalidResponseError)) throw error;
    const shown = preview(error.start.subarray(0, lineLength(error.start)), SHOWN_BYTES);
    const fault = error.isHttp ? `sent an invalid HTTP response (${error.message})` : "does not speak HTTP";
    throw upgradeError(endpoint, undefined, `the server ${fault}: "${shown}"`, error);
  }
}

/** Up to the first line end. */
function lineLength(bytes: Uint8Array): number {
  const end = bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d);
  return end === -1 ? bytes.length : end;
}

/** The start of the answer's body, which says why: as much as comes in time. */
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
    // The status is known; what is missing is only its explanation.
    connection.log.debug("the answer's body did not come", { error: messageOf(error) });
  }
  return body?.bytes ?? NOTHING;
}

function refusalOf(endpoint: HostEndpoint, answer: HttpResponseHead, rest: Uint8Array): ParleyError {
  const { status, reason, fields } = answer;
  const isText = fields.get("content-type")?.startsWith("text/plain") ?? false;
  const body = isText ? new TextDecoder().decode(rest).trim() : "";
  // Our own servers repeat the status in the text.
  const words = `${status} ${reason === "" ? reasonPhrase(status) : reason}`;
  const why = body === "" || body.startsWith(words) ? body.slice(words.length) : `: ${body}`;
  const location = status >= 300 && status < 400 ? fields.get("location") : undefined;
  const target = location === undefined ? "" : ` to ${preview(utf8(location), 200)}`;
  return upgradeError(endpoint, status, `the server answered ${words}${target}${preview(utf8(why), 200)}`);
}

function upgradeError(
  endpoint: HostEndpoint,
  status: number | undefined,
  found: string,
  cause?: unknown,
): UpgradeError {
  const text = formatEndpoint(endpoint);
  return new UpgradeError(status, `Cannot open ${text}: ${found}`, { endpoint: text, cause });
}

/** `Host` leaves a scheme's own port out (RFC 9110, section 4.2). */
function hostOf({ scheme, host, port }: HostEndpoint): string {
  const own = scheme === "ws" ? 80 : 443;
  return port === own ? formatHostPort(host, port).replace(/:\d+$/, "") : formatHostPort(host, port);
}
