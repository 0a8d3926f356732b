import { DEFAULTS } from "../base/defaults.ts";
import { messageOf, UsageError } from "../base/errors.ts";
import { listen } from "../factory.ts";
import { Admission } from "../guard/admission.ts";
import { HttpError } from "../http/head.ts";
import { type HttpRequest, serveRequests } from "../http/request.ts";
import type { HttpResponse } from "../http/response.ts";
import { type HttpRoutes, Router } from "../http/router.ts";
import type { Connection } from "../net/connection.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { lingeringClose } from "../net/lingering_close.ts";
import type { Listener } from "../net/listener.ts";
import { acceptLoop } from "./accept_loop.ts";

/** Monitoring needs few connections, and must not exhaust those of the clients. */
const MAX_CONNECTIONS = 32;
/** Additional connections for health checks only, which then work even if all others are stuck. */
const MAX_HEALTH_CONNECTIONS = 8;
const HEALTH_PATH = "/healthz";
const LINGER_MS = 1_000;

/**
 * A small HTTP/1.1 server for a few routes: with limits for heads, times and connections. A new connection is always
 * served: at the limit, the one that has been idle longest is closed.
 */
export class HttpServer implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #router: Router;
  readonly #end = new AbortController();
  readonly #serving = new Map<Connection, Promise<void>>();
  /** Idle connections, the one that has been idle longest first. */
  readonly #waiting = new Set<Connection>();
  readonly #loop: Promise<void>;

  /** Takes ownership of the listener and serves until disposed. */
  constructor(listener: Listener, routes: HttpRoutes) {
    this.#listener = listener;
    this.#router = new Router(routes);
    // One more than the limit, because the loop must accept before it closes another.
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

  /**
   * Serves routes on a TCP endpoint.
   *
   * @param context Context of its log lines.
   * @throws {UsageError} It is not a TCP endpoint.
   */
  static async listen(endpoint: string | Endpoint, routes: HttpRoutes, context: string): Promise<HttpServer> {
    const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
    if (parsed.scheme !== "tcp") {
      const shown = typeof endpoint === "string" ? endpoint : formatEndpoint(endpoint);
      throw new UsageError(`Cannot serve HTTP on ${shown}: expected a TCP endpoint, for example 127.0.0.1:9090`);
    }
    return new HttpServer(await listen(parsed, { context, totalTimeout: "60s" }), routes);
  }

  /** The URL, for example `http://127.0.0.1:9090`. */
  get url(): string {
    return formatEndpoint(this.#listener.endpoint).replace("tcp:", "http:");
  }

  /** Closes everything immediately. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    this.#listener.close();
    for (const connection of this.#serving.keys()) connection.close("drain");
    await Promise.all([this.#loop, ...this.#serving.values()]);
  }

  /** Closes the longest-idle connection if there are too many; `false` if there is room for health checks only. */
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
    try {
      const outcome = await serveRequests(connection, (request) => {
        this.#waiting.delete(connection);
        return this.#respond(request, isForHealth);
      }, { idleTimeoutMs: DEFAULTS.httpHeadTimeoutMs, onIdle: () => this.#waiting.add(connection) });
      if (outcome === "client left") connection.close("done");
      else await lingeringClose(connection, { timeoutMs: LINGER_MS });
    } catch (error) {
      if (error instanceof HttpError) {
        await lingeringClose(connection, { timeoutMs: LINGER_MS, reason: "bad message" });
      } else {
        connection.log.debug("ended by an error", { error: messageOf(error) });
        connection.close("error");
      }
    }
  }

  #respond(request: HttpRequest, isForHealth: boolean): Promise<HttpResponse> {
    if (isForHealth && request.path !== HEALTH_PATH) throw new HttpError(503, "too many connections");
    return this.#router.respond(request);
  }
}
