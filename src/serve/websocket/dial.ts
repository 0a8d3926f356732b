import { concat, preview, utf8 } from "../../base/bytes.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { ClosedEarlyError, messageOf, type ParleyError, TimeoutError, UpgradeError } from "../../base/errors.ts";
import { type Duration, formatDuration, parseDuration, parseSize, type Size } from "../../base/units.ts";
import { connect, type ConnectOptions } from "../../factory.ts";
import { HttpHeadReader, type HttpResponseHead, parseResponseHead } from "../../framing/http_head.ts";
import { encodeHead, reasonPhrase } from "../../framing/http_response.ts";
import type { Connection } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import { formatEndpoint, formatHostPort, type HostEndpoint } from "../../net/endpoint.ts";
import { loadWebSocketCodec } from "./codec.ts";
import { faultOfAnswer, makeKey, requestFields } from "./handshake.ts";
import { WebSocketSession } from "./session.ts";

/** Bytes of a refusal's body that are read for its explanation. */
const REASON_BYTES = 1_024;

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
  const { answer, rest } = await readAnswer(connection, endpoint, deadline, timeoutMs);
  if (answer.status !== 101) {
    throw refusalOf(endpoint, answer, await readBody(connection, rest, answer, deadline));
  }
  const fault = await faultOfAnswer(answer.fields, key, options.subprotocols ?? []);
  if (fault !== undefined) throw upgradeError(endpoint, 101, `the server does not speak WebSocket: ${fault}`);
  return { subprotocol: answer.fields.get("sec-websocket-protocol"), early: rest };
}

async function readAnswer(
  connection: Connection,
  endpoint: HostEndpoint,
  deadline: Deadline,
  timeoutMs: number,
): Promise<{ answer: HttpResponseHead; rest: Uint8Array }> {
  const text = formatEndpoint(endpoint);
  const reader = new HttpHeadReader();
  for (;;) {
    const bytes = await connection.read(deadline.wait()).catch((error: unknown) => {
      if (!(error instanceof TimeoutError) || error.phase !== "reply") throw error;
      const message = `Cannot open ${text}: no answer to the WebSocket handshake within ${
        formatDuration(Math.round(timeoutMs))
      }`;
      throw new TimeoutError("handshake", message, { endpoint: text });
    });
    if (bytes === null) {
      const message =
        `Cannot open ${text}: the server closed the connection before it answered the WebSocket handshake`;
      throw new ClosedEarlyError(message, { endpoint: text, received: reader.length });
    }
    try {
      const found = reader.push(bytes);
      if (found !== undefined) return { answer: parseResponseHead(found.head), rest: found.rest };
    } catch (error) {
      const shown = preview(bytes, 60);
      throw upgradeError(endpoint, undefined, `the server does not speak HTTP: it answered "${shown}"`, error);
    }
  }
}

/** The start of the answer's body, which says why: as much as is announced and comes in time. */
async function readBody(
  connection: Connection,
  rest: Uint8Array,
  answer: HttpResponseHead,
  deadline: Deadline,
): Promise<Uint8Array> {
  const announced = Number(answer.fields.get("content-length") ?? 0);
  const wanted = Math.min(Number.isFinite(announced) ? announced : 0, REASON_BYTES);
  let body = rest.slice();
  try {
    while (body.length < wanted) {
      const bytes = await connection.read(deadline.wait());
      if (bytes === null) break;
      body = concat([body, bytes]);
    }
  } catch (error) {
    // The status is known; what is missing is only its explanation.
    connection.log.debug("the answer's body did not come", { error: messageOf(error) });
  }
  return body;
}

function refusalOf(endpoint: HostEndpoint, answer: HttpResponseHead, rest: Uint8Array): ParleyError {
  const { status, reason, fields } = answer;
  const isText = fields.get("content-type")?.startsWith("text/plain") ?? false;
  const body = isText ? new TextDecoder().decode(rest).trim() : "";
  // Our own servers say the status in the text as well.
  const words = `${status} ${reason === "" ? reasonPhrase(status) : reason}`;
  const why = body === "" || body.startsWith(words) ? body.slice(words.length) : `: ${body}`;
  return upgradeError(endpoint, status, `the server answered ${words}${preview(utf8(why), 200)}`);
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
