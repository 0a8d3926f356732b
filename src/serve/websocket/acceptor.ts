import { DEFAULTS } from "../../base/defaults.ts";
import { messageOf } from "../../base/errors.ts";
import { HttpError, HttpHeadReader, type HttpRequestHead } from "../../framing/http_head.ts";
import { encodeResponse } from "../../framing/http_response.ts";
import type { Refusal } from "../../guard/gate.ts";
import type { CloseReason } from "../../net/close_reason.ts";
import type { Connection } from "../../net/connection.ts";
import { lingeringClose } from "../../net/lingering_close.ts";
import { answerError, answerRequest } from "../http/answer.ts";
import { readRequest } from "../http/read_request.ts";
import type { HttpRoutes } from "../http/route.ts";
import { loadWebSocketCodec, type WebSocketCodec } from "./codec.ts";
import { checkOrigin, checkUpgrade, chooseSubprotocol, isUpgrade, upgradeFields } from "./handshake.ts";
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
  /** Origins that may connect beside the endpoint's own; `*` is any. */
  readonly origins: readonly string[];
  /** When clients are pinged. */
  readonly pings: PingOptions;
  /** Most bytes of a message. */
  readonly maxMessageBytes: number;
  /**
   * For a whole request head, in milliseconds.
   *
   * @default {5000}
   */
  readonly headTimeoutMs?: number;
}

/** Turns connections of `ws` and `wss` endpoints into sessions; what is plain HTTP it answers itself. */
export class WebSocketAcceptor {
  readonly #codec: WebSocketCodec;
  readonly #options: WebSocketAcceptorOptions;

  private constructor(codec: WebSocketCodec, options: WebSocketAcceptorOptions) {
    this.#codec = codec;
    this.#options = options;
  }

  /** Loads what it needs. */
  static async create(options: WebSocketAcceptorOptions): Promise<WebSocketAcceptor> {
    return new WebSocketAcceptor(await loadWebSocketCodec("server"), options);
  }

  /**
   * Answers requests until one asks for WebSocket and gets it. `undefined`
   * when the connection is over without that; it is closed then.
   */
  async accept(connection: Connection): Promise<WebSocketSession | undefined> {
    const reader = new HttpHeadReader();
    let early: Uint8Array = new Uint8Array(0);
    let isFollowing = false;
    try {
      for (;;) {
        const read = await readRequest(connection, reader, { timeoutMs: this.#headTimeoutMs, early, isFollowing });
        if (read === undefined) {
          connection.close("peer closed");
          return undefined;
        }
        const { request, rest } = read;
        early = rest;
        if (isUpgrade(request)) return await this.#upgrade(connection, request, rest);
        if (!await this.#answer(connection, request)) return undefined;
        isFollowing = true;
      }
    } catch (error) {
      if (error instanceof HttpError) await this.#refuse(connection, error);
      else {
        connection.log.debug("ended before WebSocket began", { error: messageOf(error) });
        connection.close("handshake failed");
      }
      return undefined;
    }
  }

  /**
   * Tells a client that a gate does not let in why, by HTTP. Its request is
   * read only so that it gets the answer: the answer is the same for any.
   */
  async reject(connection: Connection, { reason, text }: Refusal): Promise<void> {
    const error = new HttpError(
      reason === "denied" ? 403 : 503,
      text ?? "connections from this address are not allowed",
    );
    connection.send(encodeResponse(answerError(error)));
    await lingeringClose(connection, { timeoutMs: REJECT_MS, reason });
  }

  get #headTimeoutMs(): number {
    return this.#options.headTimeoutMs ?? DEFAULTS.httpHeadTimeoutMs;
  }

  async #upgrade(connection: Connection, request: HttpRequestHead, rest: Uint8Array): Promise<WebSocketSession> {
    const { key } = checkUpgrade(request);
    if (!this.#isServedAt(connection, request.path)) throw new HttpError(404, "no WebSocket is here");
    checkOrigin(request, this.#options.origins, connection.local.scheme === "wss");
    // The client does not know yet that it may speak (RFC 6455, section 4.1).
    if (rest.length > 0) throw new HttpError(400, "data came before the handshake was done");
    const subprotocol = chooseSubprotocol(request.fields, this.#options.subprotocols);
    await connection.write(encodeResponse({ status: 101, fields: await upgradeFields(key, subprotocol) }));
    connection.log.debug("upgraded to WebSocket", { subprotocol });
    return new WebSocketSession(connection, {
      codec: this.#codec,
      subprotocol,
      maxMessageBytes: this.#options.maxMessageBytes,
      pings: this.#options.pings,
    });
  }

  /** Whether another request may follow. */
  async #answer(connection: Connection, request: HttpRequestHead): Promise<boolean> {
    const { path } = request;
    const isPlain = Object.hasOwn(this.#options.routes, path);
    if (!isPlain && path === pathOf(connection)) throw new HttpError(426, "WebSocket is spoken here");
    const response = await answerRequest(request, this.#options.routes, pathOf(connection));
    connection.log.debug("answered", { method: request.method, path, status: response.status });
    await connection.write(encodeResponse(response));
    if (response.isKeptAlive) return true;
    await lingeringClose(connection, { timeoutMs: LINGER_MS });
    return false;
  }

  /** An endpoint without a path takes any. */
  #isServedAt(connection: Connection, path: string): boolean {
    const own = pathOf(connection);
    return own === "/" || own === path;
  }

  async #refuse(connection: Connection, error: HttpError): Promise<void> {
    connection.log.debug("refused", { status: error.status, error: error.message });
    connection.send(encodeResponse(answerError(error)));
    await lingeringClose(connection, { timeoutMs: LINGER_MS, reason: reasonOf(error) });
  }
}

function pathOf({ local }: Connection): string {
  return local.path.replace(/\?.*$/s, "");
}

function reasonOf({ status }: HttpError): CloseReason {
  if (status === 408) return "handshake timeout";
  return status === 403 ? "denied" : "handshake failed";
}
