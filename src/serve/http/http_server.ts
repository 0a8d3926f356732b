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

/** Who looks on needs few connections, and must never take those of the clients. */
const MAX_CONNECTIONS = 32;
const LINGER_MS = 1_000;

/** A small HTTP/1.1 server for a few routes: bounded heads, bounded times, bounded connections. */
export class HttpServer implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #routes: HttpRoutes;
  readonly #end = new AbortController();
  readonly #serving = new Map<Connection, Promise<void>>();
  readonly #loop: Promise<void>;

  /** Takes over the listener and serves until disposed of. */
  constructor(listener: Listener, routes: HttpRoutes) {
    this.#listener = listener;
    this.#routes = routes;
    const admission = new Admission({ maxConnections: MAX_CONNECTIONS, log: listener.log });
    this.#loop = acceptLoop(listener, {
      admission,
      signal: this.#end.signal,
      onConnection: (connection) => {
        const serving = this.#serve(connection).finally(() => {
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

  async #serve(connection: Connection): Promise<void> {
    const reader = new HttpHeadReader();
    let early: Uint8Array = new Uint8Array(0);
    let isFollowing = false;
    try {
      for (;;) {
        const read = await readRequest(connection, reader, {
          timeoutMs: DEFAULTS.httpHeadTimeoutMs,
          early,
          isFollowing,
        });
        if (read === undefined) return connection.close("done");
        early = read.rest;
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
