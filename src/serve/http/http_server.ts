import { messageOf } from "../../base/errors.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { HttpError, HttpHeadReader } from "../../framing/http_head.ts";
import { encodeResponse } from "../../framing/http_response.ts";
import { Admission } from "../../guard/admission.ts";
import type { Connection } from "../../net/connection.ts";
import { lingeringClose } from "../../net/lingering_close.ts";
import type { Listener } from "../../net/listener.ts";
import { acceptLoop } from "../accept_loop.ts";
import { answerError, answerRequest } from "./answer.ts";
import { readRequest } from "./read_request.ts";
import type { HttpRoutes } from "./route.ts";

/** Monitoring needs few connections, and must never use up those of the clients. */
const MAX_CONNECTIONS = 32;
/** Beside those, for health checks alone: they are answered while every other connection is stuck. */
const MAX_HEALTH_CONNECTIONS = 8;
const HEALTH_PATH = "/healthz";
const LINGER_MS = 1_000;

/**
 * A small HTTP/1.1 server for a few routes: bounded heads, bounded times,
 * bounded connections. A new connection is always served: at the limit, the one
 * that has waited longest for a request gives way.
 */
export class HttpServer implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #routes: HttpRoutes;
  readonly #end = new AbortController();
  readonly #serving = new Map<Connection, Promise<void>>();
  /** Connections without a request, the one that has waited longest first. */
  readonly #waiting = new Set<Connection>();
  readonly #loop: Promise<void>;

  /** Takes over the listener and serves until disposed of. */
  constructor(listener: Listener, routes: HttpRoutes) {
    this.#listener = listener;
    this.#routes = routes;
    // One more than are served: the loop must accept to find out who gives way.
    const admission = new Admission({ maxConnections: MAX_CONNECTIONS + MAX_HEALTH_CONNECTIONS + 1 });
    this.#loop = acceptLoop(listener, {
      admission,
      signal: this.#end.signal,
      onConnection: (connection) => {
        const isForHealth = !this.#makeRoom();
        const serving = this.#serve(connection, isForHealth).finally(() => {
          this.#waiting.delete(connection);
          this.#serving.delete(connection);
          admission.leave();
        });
        this.#serving.set(connection, serving);
      },
    });
  }

  /** Closes everything at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    this.#listener.close();
    for (const connection of this.#serving.keys()) connection.close("drain");
    await Promise.all([this.#loop, ...this.#serving.values()]);
  }

  /** Closes the connection that has waited longest where there are too many; `false` where only health checks fit. */
  #makeRoom(): boolean {
    if (this.#serving.size < MAX_CONNECTIONS) return true;
    const [longestWaiting] = this.#waiting;
    const isFull = this.#serving.size >= MAX_CONNECTIONS + MAX_HEALTH_CONNECTIONS;
    const [oldest] = isFull ? this.#serving.keys() : [];
    const victim = longestWaiting ?? oldest;
    if (victim === undefined) return false;
    this.#waiting.delete(victim);
    this.#serving.delete(victim);
    victim.close("limit");
    return this.#serving.size < MAX_CONNECTIONS;
  }

  async #serve(connection: Connection, isForHealth: boolean): Promise<void> {
    const reader = new HttpHeadReader();
    let early: Uint8Array = new Uint8Array(0);
    let isFollowing = false;
    try {
      for (;;) {
        this.#waiting.add(connection);
        const read = await readRequest(connection, reader, {
          timeoutMs: DEFAULTS.httpHeadTimeoutMs,
          early,
          isFollowing,
        });
        this.#waiting.delete(connection);
        if (read === undefined) return connection.close("done");
        early = read.rest;
        if (isForHealth && read.request.path !== HEALTH_PATH) throw new HttpError(503, "too many connections");
        const response = await answerRequest(read.request, this.#routes);
        await connection.write(encodeResponse(response));
        if (!response.isKeptAlive) return await lingeringClose(connection, { timeoutMs: LINGER_MS });
        isFollowing = true;
      }
    } catch (error) {
      if (error instanceof HttpError) {
        connection.send(encodeResponse(answerError(error)));
        await lingeringClose(connection, { timeoutMs: LINGER_MS, reason: "bad message" });
      } else {
        connection.log.debug("ended by an error", { error: messageOf(error) });
        connection.close("error");
      }
    }
  }
}
