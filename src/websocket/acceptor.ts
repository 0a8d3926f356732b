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
  checkUpgrade,
  chooseSubprotocol,
  isUpgrade,
  originFault,
  upgradeFields,
  upgradeRequired,
} from "./handshake.ts";
import type { Session } from "../session/session.ts";
import type { PingOptions } from "./pinger.ts";
import { WebSocketSession } from "./session.ts";

/** Time limit for a rejected client to read the reason. */
const LINGER_MS = 2_000;

/** The same for a client rejected by a gate, which counts towards no limit meanwhile. */
const REJECT_MS = 500;

/** Options of {@linkcode WebSocketAcceptor}. */
export interface WebSocketAcceptorOptions {
  /** Responses to plain HTTP on the same endpoint. */
  readonly routes: HttpRoutes;
  /** Supported subprotocols in order of preference. */
  readonly subprotocols: readonly string[];
  /** Allowed origins besides the endpoint's own; `*` for any. */
  readonly origins: readonly string[];
  /** Whether an address is a trusted proxy. */
  readonly isTrustedProxy?: ((address: string) => boolean) | undefined;
  /**
   * Compresses messages of clients that offer it (RFC 7692).
   *
   * @default {false}
   */
  readonly compresses?: boolean;
  /**
   * Checks the `Authorization` field of a request for a WebSocket; without an identity the client must log in with its
   * messages. Throws an `HttpError` to reject.
   */
  readonly authorize?:
    | ((field: string | undefined, connection: Connection) => Promise<Identity | undefined>)
    | undefined;
  /** Ping settings. */
  readonly pings?: PingOptions | undefined;
  /** Maximum bytes of a message. */
  readonly maxMessageBytes: number;
  /**
   * For a whole request head.
   *
   * @default {"5s"}
   */
  readonly headTimeout?: Duration;
}

/**
 * Checks the gates for the client that a proxy reports, or for the proxy itself. A request that does not open a
 * WebSocket counts only during the check.
 */
export type AdmitClient = (client: ForwardedAddress | undefined, isOpening: boolean) => Refusal | undefined;

/** Options of {@linkcode acceptWebSocket}. */
export interface AcceptWebSocketOptions {
  /** Supported subprotocols in order of preference. */
  subprotocols?: readonly string[];
  /** Allowed origins besides the endpoint's own; `*` for any. */
  origins?: readonly string[];
  /** Responses to plain HTTP before the upgrade. */
  routes?: HttpRoutes;
  /**
   * Maximum bytes of a message.
   *
   * @default {"64KiB"}
   */
  maxMessage?: Size;
}

/**
 * Completes the opening handshake on an accepted connection, which the session then owns. `undefined` if the client
 * closed or sent another request; the connection is then closed. No pings are sent.
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

/** Turns connections of `ws` and `wss` endpoints into sessions, and serves plain HTTP requests. */
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

  /** Loads its dependencies. */
  static async create(options: WebSocketAcceptorOptions): Promise<WebSocketAcceptor> {
    return new WebSocketAcceptor(await loadWebSocketCodec("server"), options);
  }

  /**
   * Serves requests until one upgrades to WebSocket. `undefined` if the connection ends without an upgrade; it is then
   * closed.
   *
   * @param admit Checks the gates for a connection from a trusted proxy.
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
      if (outcome === "last response sent") await lingeringClose(connection, { timeoutMs: LINGER_MS });
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
   * Sends a client that a gate rejects the reason over HTTP. Its request is read only so that the response can be
   * delivered; its content is ignored.
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
    if (!this.#isServedAt(connection, request.path)) throw new HttpError(404, "no WebSocket endpoint at this path");
    const fault = originFault(request, this.#options.origins, connection.local.scheme === "wss");
    if (fault !== undefined) {
      // A browser does not show the response to the page.
      connection.log.info("page rejected", { error: fault });
      throw new HttpError(403, fault);
    }
    // A client must not send before the handshake is complete (RFC 6455, section 4.1).
    if (request.takeRest().length > 0) throw new HttpError(400, "data received before the handshake was complete");
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
    // Sessions with equal compression share a framer for broadcasts.
    const codec = this.#deflateCodecs.get(key) ?? await loadDeflateCodec(this.#codec, agreed);
    this.#deflateCodecs.set(key, codec);
    return { codec, response: agreed.response };
  }

  /** An endpoint without a path accepts any. */
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
