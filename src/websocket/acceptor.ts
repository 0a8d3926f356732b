import { DEFAULTS } from "../base/defaults.ts";
import { type Duration, parseDuration, parseSize, type Size } from "../base/units.ts";
import { messageOf } from "../base/errors.ts";
import type { Identity } from "../guard/authenticator.ts";
import type { Refusal } from "../guard/gate.ts";
import { type ForwardedAddress, forwardedAddress } from "../http/forwarded.ts";
import { HttpError, type HttpFields } from "../http/head.ts";
import { parseOrigin } from "../http/origin.ts";
import { type HttpRequest, serveRequests } from "../http/request.ts";
import { encodeResponse, errorResponse, type HttpResponse } from "../http/response.ts";
import { type HttpRoutes, Router } from "../http/router.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import { requestPathOf } from "../net/endpoint.ts";
import { lingeringClose } from "../net/lingering_close.ts";
import { loadDeflateCodec, loadWebSocketCodec, type WebSocketCodec } from "./codec.ts";
import {
  checkOrigin,
  checkUpgrade,
  chooseSubprotocol,
  isUpgrade,
  upgradeFields,
  upgradeRequired,
} from "./handshake.ts";
import type { Session } from "../session/session.ts";
import type { PingOptions } from "./pinger.ts";
import { WebSocketSession } from "./session.ts";

/** How long a client that was refused may take to read why. */
const LINGER_MS = 2_000;

/** The same for a client that was not let in: it counts towards no limit meanwhile. */
const REJECT_MS = 500;

/** What WebSocket endpoints are served with. */
export interface WebSocketAcceptorOptions {
  /** What is found by plain HTTP on the same endpoint. */
  readonly routes: HttpRoutes;
  /** Subprotocols that the service speaks, the preferred one first. */
  readonly subprotocols: readonly string[];
  /** Origins that may connect besides the endpoint's own; `*` is any. */
  readonly origins: readonly string[];
  /** Whether an address is that of a proxy that may name its clients. */
  readonly isTrustedProxy?: ((address: string) => boolean) | undefined;
  /**
   * Compresses messages of clients that offer it (RFC 7692).
   *
   * @default {false}
   */
  readonly compresses?: boolean;
  /**
   * Checks the `Authorization` field of a request for a WebSocket; without an
   * identity the client must log in by its messages. Throws an `HttpError` to reject.
   */
  readonly authorize?:
    | ((field: string | undefined, connection: Connection) => Promise<Identity | undefined>)
    | undefined;
  /** When clients are pinged. */
  readonly pings?: PingOptions | undefined;
  /** Most bytes of a message. */
  readonly maxMessageBytes: number;
  /**
   * For a whole request head.
   *
   * @default {"5s"}
   */
  readonly headTimeout?: Duration;
}

/**
 * Asks the gates for a client that a proxy names, or for the proxy if it names
 * none. A request that does not open a WebSocket counts only while it is asked for.
 */
export type AdmitClient = (client: ForwardedAddress | undefined, isOpening: boolean) => Refusal | undefined;

/** Options of {@linkcode acceptWebSocket}. */
export interface AcceptWebSocketOptions {
  /** Subprotocols to agree on, the preferred one first. */
  subprotocols?: readonly string[];
  /** Origins whose pages may connect, besides the endpoint's own; `*` is any. */
  origins?: readonly string[];
  /** What is answered to plain HTTP before the upgrade. */
  routes?: HttpRoutes;
  /**
   * Maximum bytes of a message.
   *
   * @default {"64KiB"}
   */
  maxMessage?: Size;
}

/**
 * Completes the opening handshake of a WebSocket on an accepted connection,
 * which the session takes over. `undefined` if the client left or asked for
 * something else; the connection is closed then. Nothing is pinged.
 */
export async function acceptWebSocket(
  connection: Connection,
  options: AcceptWebSocketOptions = {},
): Promise<Session | undefined> {
  const { routes = {}, subprotocols = [], origins = [], maxMessage = DEFAULTS.webSocketMessageBytes } = options;
  const maxMessageBytes = parseSize(maxMessage);
  const acceptor = await WebSocketAcceptor.create({
    routes,
    subprotocols,
    origins: origins.map(parseOrigin),
    maxMessageBytes,
  });
  return await acceptor.accept(connection);
}

/** Turns connections of `ws` and `wss` endpoints into sessions; what is plain HTTP it answers itself. */
export class WebSocketAcceptor {
  readonly #codec: WebSocketCodec;
  readonly #options: WebSocketAcceptorOptions;
  readonly #deflateCodecs = new Map<number, WebSocketCodec>();
  readonly #router: Router;

  private constructor(codec: WebSocketCodec, options: WebSocketAcceptorOptions) {
    this.#codec = codec;
    this.#options = options;
    this.#router = new Router(options.routes);
  }

  /** Loads what it needs. */
  static async create(options: WebSocketAcceptorOptions): Promise<WebSocketAcceptor> {
    return new WebSocketAcceptor(await loadWebSocketCodec("server"), options);
  }

  /**
   * Answers requests until one asks for WebSocket and gets it. `undefined`
   * when the connection is over without that; it is closed then.
   *
   * @param admit Asks the gates, for a connection that comes from a trusted proxy.
   */
  async accept(connection: Connection, admit?: AdmitClient): Promise<WebSocketSession | undefined> {
    let session: WebSocketSession | undefined;
    const handle = async (request: HttpRequest) => {
      const isOpening = isUpgrade(request);
      const assertAdmitted = () => this.#assertAdmitted(request, isOpening, admit);
      if (isOpening) session = await this.#upgrade(connection, request, assertAdmitted);
      else {
        assertAdmitted();
        return await this.#respond(connection, request);
      }
      return undefined;
    };
    const headTimeoutMs = parseDuration(this.#options.headTimeout ?? DEFAULTS.httpHeadTimeoutMs);
    try {
      const outcome = await serveRequests(connection, handle, { headTimeoutMs, idleTimeoutMs: headTimeoutMs });
      if (outcome === "client left") connection.close("peer closed");
      if (outcome === "last answer sent") await lingeringClose(connection, { timeoutMs: LINGER_MS });
    } catch (error) {
      if (error instanceof HttpError) {
        connection.log.debug("rejected", { status: error.status, error: error.message });
        await lingeringClose(connection, { timeoutMs: LINGER_MS, reason: reasonOf(error) });
      } else {
        connection.log.debug("ended before WebSocket began", { error: messageOf(error) });
        connection.close("handshake failed");
      }
    }
    return session;
  }

  /**
   * Tells a client that a gate does not let in why, by HTTP. Its request is
   * read only so that it gets the answer: the answer is the same for any.
   */
  async reject(connection: Connection, refusal: Refusal): Promise<void> {
    connection.send(encodeResponse(errorResponse(rejectionOf(refusal))));
    await lingeringClose(connection, { timeoutMs: REJECT_MS, reason: refusal.reason });
  }

  #assertAdmitted(request: HttpRequest, isOpening: boolean, admit: AdmitClient | undefined): void {
    if (admit === undefined) return;
    const client = forwardedAddress(request.fields, this.#options.isTrustedProxy ?? (() => false));
    const refusal = admit(client, isOpening);
    if (refusal !== undefined) throw rejectionOf(refusal);
  }

  async #upgrade(
    connection: Connection,
    request: HttpRequest,
    assertAdmitted: () => void,
  ): Promise<WebSocketSession> {
    const { key } = checkUpgrade(request);
    if (!this.#isServedAt(connection, request.path)) throw new HttpError(404, "no WebSocket is here");
    checkOrigin(request, this.#options.origins, connection.local.scheme === "wss");
    // The client does not know yet that it may speak (RFC 6455, section 4.1).
    if (request.takeRest().length > 0) throw new HttpError(400, "data came before the handshake was done");
    assertAdmitted();
    const identity = await this.#options.authorize?.(request.fields.get("authorization"), connection);
    const subprotocol = chooseSubprotocol(request.fields, this.#options.subprotocols);
    const deflate = this.#options.compresses ? await this.#agreeOnDeflate(request.fields) : undefined;
    const fields = await upgradeFields(key, { subprotocol, extensions: deflate?.response });
    await connection.write(encodeResponse({ status: 101, fields }));
    connection.log.debug("upgraded to WebSocket", { subprotocol });
    return new WebSocketSession(connection, {
      codec: deflate?.codec ?? this.#codec,
      identity,
      subprotocol,
      request,
      maxMessageBytes: this.#options.maxMessageBytes,
      pings: this.#options.pings,
    });
  }

  async #respond(connection: Connection, request: HttpRequest): Promise<HttpResponse> {
    const { path, method } = request;
    if (!this.#router.has(path) && path === pathOf(connection)) throw upgradeRequired("this is a WebSocket endpoint");
    const response = await this.#router.respond(request, pathOf(connection));
    connection.log.debug("answered", { method, path, status: response.status });
    return response;
  }

  async #agreeOnDeflate(fields: HttpFields): Promise<{ codec: WebSocketCodec; response: string } | undefined> {
    const { acceptDeflate } = await import("./deflate.ts");
    const agreed = acceptDeflate(fields.get("sec-websocket-extensions"));
    if (agreed === undefined) return undefined;
    const key = agreed.windowBits ?? 0;
    // Sessions that compress alike share what a broadcast is framed with.
    const codec = this.#deflateCodecs.get(key) ?? await loadDeflateCodec(this.#codec, agreed);
    this.#deflateCodecs.set(key, codec);
    return { codec, response: agreed.response };
  }

  /** An endpoint without a path takes any. */
  #isServedAt(connection: Connection, path: string): boolean {
    const own = pathOf(connection);
    return own === "/" || own === path;
  }
}

function pathOf({ local }: Connection): string {
  return requestPathOf(local).replace(/\?.*$/s, "");
}

function reasonOf({ status }: HttpError): CloseReason {
  if (status === 408) return "handshake timeout";
  if (status === 503) return "limit";
  return status === 401 || status === 403 ? "denied" : "handshake failed";
}

function rejectionOf({ reason, text }: Refusal): HttpError {
  return new HttpError(reason === "denied" ? 403 : 503, text ?? "connections from this address are not allowed");
}
