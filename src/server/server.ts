import { utf8 } from "../base/bytes.ts";
import { ClosedEarlyError, FrameError, messageOf, ParleyError, ResetError, TlsError, toError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { Codec } from "../framing/codec.ts";
import { Admission } from "../guard/admission.ts";
import type { Gate, Refusal } from "../guard/gate.ts";
import { defaultMaxConnections } from "../guard/open_file_limit.ts";
import type { Logger } from "../log/logger.ts";
import type { Connection } from "../net/connection.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint, isSecure, isWebSocket } from "../net/endpoint.ts";
import type { Listener } from "../net/listener.ts";
import { onAbort, startTimer } from "../net/wait.ts";
import type { Service } from "./service.ts";
import { acceptLoop } from "./accept_loop.ts";
import { type MessageRates, RateLimitedSession } from "../session/rate_limited_session.ts";
import type { Session } from "../session/session.ts";
import { ServerStats } from "./server_stats.ts";
import { StreamSession } from "../session/stream_session.ts";
import type { AdmitClient, WebSocketAcceptor } from "../websocket/acceptor.ts";

/** Options of {@linkcode Server}. */
export interface ServerOptions {
  /** The service on all listeners. */
  service: Service;
  /** The listeners; the server closes them. */
  listeners: readonly Listener[];
  /** Splits streams into messages. */
  codec: Codec;
  /** Logger with the server's context. */
  log: Logger;
  /** Time limit for clients to finish during shutdown, in milliseconds. */
  drainTimeoutMs: number;
  /** Opens the sessions of `ws` and `wss` endpoints; required if there are any. */
  webSockets?: WebSocketAcceptor | undefined;
  /** Ends after this many connections. */
  maxAccepts?: number | undefined;
  /**
   * Maximum concurrent connections; further clients wait to be accepted.
   *
   * @default {10000, or the open-file limit less 64}
   */
  maxConnections?: number | undefined;
  /** Decides which clients are admitted; clients of Unix sockets always are. */
  gate?: Gate | undefined;
  /**
   * Whether an address is a trusted proxy, whose `Forwarded` and `X-Forwarded-For` fields name the WebSocket client.
   */
  isTrustedProxy?: ((address: string) => boolean) | undefined;
  /** Rate limits per client. */
  rates?: MessageRates | undefined;
  /** Statistics to use; by default new ones. */
  stats?: ServerStats | undefined;
}

/** Maximum WebSocket clients at a time that get the reason for a rejection over HTTP; more are closed immediately. */
const MAX_REJECTING = 32;

/** Runs one service on any number of listeners. */
export class Server {
  readonly #options: ServerOptions;
  readonly #sessions = new Map<Session, Promise<void>>();
  #rejecting = 0;
  /** Connections from trusted proxies whose client is not known yet; no gate counts them. */
  readonly #unnamed = new Set<Connection>();
  readonly #openings = new Map<Connection, Promise<void>>();
  readonly #ending = new AbortController();
  readonly #admission: Admission;
  /** The server's statistics. */
  readonly stats: ServerStats;
  #accepted = 0;

  /** Accepts nothing before {@linkcode run}. */
  constructor(options: ServerOptions) {
    this.#options = options;
    const { maxConnections = defaultMaxConnections(), log } = options;
    this.#admission = new Admission({ maxConnections, log });
    this.stats = options.stats ?? new ServerStats();
    this.stats.faultOf = () => options.service.fault;
  }

  /** Number of connected clients. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Accepts and serves until `stop` aborts or `maxAccepts` connections were served, and all connections are closed. */
  async run(stop: AbortSignal): Promise<void> {
    const { listeners, log, service } = this.#options;
    service.listening?.(listeners.map(({ endpoint }) => endpoint));
    using _end = onAbort(stop, () => this.#stopAccepting());
    try {
      await Promise.all(listeners.map((listener) =>
        acceptLoop(listener, {
          onConnection: (connection) => this.#onConnection(connection),
          admission: this.#admission,
          onError: () => this.stats.acceptErrors++,
          signal: this.#ending.signal,
        })
      ));
      if (stop.aborted) await this.#drain();
      else await this.#whenAllLeft(stop);
    } finally {
      for (const listener of listeners) listener.close();
      await service[Symbol.asyncDispose]?.();
      log.info("ended", { accepted: this.#accepted });
    }
  }

  #stopAccepting(): void {
    this.stats.isEnding = true;
    this.#ending.abort();
    for (const listener of this.#options.listeners) listener.close();
  }

  /** Whether `maxAccepts` connections were accepted. */
  get #isComplete(): boolean {
    return this.#accepted >= (this.#options.maxAccepts ?? Infinity);
  }

  #onConnection(connection: Connection): void {
    this.stats.opened(connection);
    if (this.#isComplete) return this.#refuse(connection, { reason: "limit" });
    const identifying = connection.identifyPeer();
    if (identifying === undefined) this.#admit(connection);
    else this.#openings.set(connection, this.#admitOnce(identifying, connection));
  }

  /** The gate needs the peer's real address. */
  async #admitOnce(identifying: Promise<void>, connection: Connection): Promise<void> {
    try {
      await identifying;
    } catch (error) {
      connection.log.info("the peer's address is unknown", { error: messageOf(error) });
      this.#openings.delete(connection);
      this.stats.closed(connection);
      this.#admission.leave();
      return;
    }
    this.#openings.delete(connection);
    if (this.#isComplete) this.#refuse(connection, { reason: "limit" });
    else this.#admit(connection);
  }

  #admit(connection: Connection): void {
    if (this.#isProxied(connection)) this.#unnamed.add(connection);
    else {
      const refusal = this.#enter(connection.remote);
      if (refusal !== undefined) return this.#refuse(connection, refusal);
    }
    this.#accepted++;
    if (connection.needsHandshake || isWebSocket(connection.local)) {
      this.#openings.set(connection, this.#open(connection));
    } else this.#begin(new StreamSession(connection, this.#options.codec), connection);
    if (this.#isComplete) this.#stopAccepting();
  }

  /** The handshakes before a session. */
  async #open(connection: Connection): Promise<void> {
    const session = await this.#handshake(connection) ? await this.#openSession(connection) : undefined;
    this.#openings.delete(connection);
    if (session === undefined) this.#leave(connection);
    else this.#begin(session, connection);
  }

  /** The TLS handshake, if any. */
  async #handshake(connection: Connection): Promise<boolean> {
    try {
      await connection.handshake();
      return true;
    } catch (error) {
      if (connection.closeReason === "drain") return false;
      const reason = error instanceof TlsError ? error.reason : connection.closeReason ?? "error";
      this.stats.tlsFailed(reason);
      connection.log.info("TLS handshake failed", { reason, error: messageOf(error) });
      return false;
    }
  }

  async #openSession(connection: Connection): Promise<Session | undefined> {
    if (isWebSocket(connection.local)) {
      const admit: AdmitClient = (client, isOpening) => this.#admitNamed(connection, client, isOpening);
      const isUnnamed = this.#unnamed.has(connection);
      return await this.#options.webSockets?.accept(connection, isUnnamed ? admit : undefined);
    }
    return new StreamSession(connection, this.#options.codec);
  }

  #begin(opened: Session, connection: Connection): void {
    const session = this.#limitRates(opened);
    this.#sessions.set(session, this.#serve(session, connection));
  }

  #limitRates(session: Session): Session {
    const { rates } = this.#options;
    // Every byte passes through here, so no wrapper unless requested.
    const isLimited = rates?.messagesPerSecond !== undefined || rates?.bytesPerSecond !== undefined;
    return isLimited ? new RateLimitedSession(session, rates) : session;
  }

  /** Whether the request names the client; until then the gates would see the proxy. */
  #isProxied({ remote, local }: Connection): boolean {
    const isWeb = isWebSocket(local);
    return isWeb && isHostEndpoint(remote) && (this.#options.isTrustedProxy?.(remote.host) ?? false);
  }

  /** The gates count a trusted proxy's client once its request has named it. */
  #admitNamed(connection: Connection, ...[client, isOpening]: Parameters<AdmitClient>): Refusal | undefined {
    const { remote } = connection;
    const named = client !== undefined && isHostEndpoint(remote) ? { ...remote, ...client } : remote;
    const refusal = this.#enter(named);
    if (refusal !== undefined) connection.log.debug("rejected by address", { client: formatEndpoint(named) });
    else if (!isOpening) this.#exit(named);
    else {
      if (client !== undefined) connection.reportRemote(named);
      this.#unnamed.delete(connection);
    }
    return refusal;
  }

  #enter(remote: Endpoint): Refusal | undefined {
    return isHostEndpoint(remote) ? this.#options.gate?.enter(remote.host) : undefined;
  }

  #exit(remote: Endpoint): void {
    if (isHostEndpoint(remote)) this.#options.gate?.leave?.(remote.host);
  }

  #leave(connection: Connection): void {
    this.stats.closed(connection);
    if (!this.#unnamed.delete(connection)) this.#exit(connection.remote);
    this.#admission.leave();
  }

  #refuse(connection: Connection, { reason, text }: Refusal): void {
    connection.log.debug("refused", { reason, text });
    this.stats.closed(connection, reason);
    this.#admission.leave();
    const { webSockets } = this.#options;
    const isPlainWeb = isWebSocket(connection.local) && !isSecure(connection.local);
    if (webSockets !== undefined && isPlainWeb && this.#rejecting < MAX_REJECTING) {
      this.#rejecting++;
      const rejected = webSockets.reject(connection, { reason, text }).finally(() => {
        this.#rejecting--;
        this.#openings.delete(connection);
      });
      this.#openings.set(connection, rejected);
      return;
    }
    // Sent only if it can be distinguished from data; not awaited.
    if (text !== undefined && this.#options.codec.name === "line" && connection.local.scheme === "tcp") {
      connection.write(utf8(`! ${text}\n`)).catch(() => {
        // The client closed before it was sent.
      }).finally(() => connection.close(reason));
    } else connection.close(reason);
  }

  /** Not an async function, because one that waits costs an idle connection twice as much memory. */
  #serve(session: Session, connection: Connection): Promise<void> {
    this.#note(session, "connected");
    return this.#served(session, connection).then(
      () => this.#end(session, connection, () => session.finish()),
      (error: unknown) => this.#end(session, connection, () => Promise.reject(error)),
    );
  }

  /** The promise of the service; one that throws at once has failed, too. */
  #served(session: Session, connection: Connection): Promise<void> {
    try {
      return this.#options.service.serve(session, connection);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #end(session: Session, connection: Connection, finish: () => Promise<unknown>): Promise<void> {
    try {
      await finish();
    } catch (error) {
      await this.#endAfterError(session, error);
    } finally {
      this.#sessions.delete(session);
      this.#leave(connection);
      this.#note(session, "disconnected");
    }
  }

  /** Checks the level first, because a logger per connection costs memory. */
  #note(session: Session, text: string): void {
    if (this.#options.log.isEnabled("debug")) session.log.debug(text, { reason: session.closeReason });
  }

  async #endAfterError(session: Session, error: unknown): Promise<void> {
    if (error instanceof FrameError || error instanceof ClosedEarlyError) {
      session.log.warning("bad message, closing", { error: error.message });
      // The client was sent the reason and must be able to read it.
      await session.finish("bad message");
    } else if (error instanceof ParleyError) {
      session.log.debug("ended by an error", { error: error.message });
      session.close(error instanceof ResetError ? "reset" : "error", error);
    } else {
      session.log.error("the service failed", { error: error instanceof Error ? error.stack : String(error) });
      session.close("error", toError(error));
    }
  }

  /** The last accepted clients are served until they end, or until a signal starts a drain. */
  async #whenAllLeft(stop: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    using _stop = onAbort(stop, () => stopped.resolve());
    await Promise.race([this.#allLeft(), stopped.promise]);
    if (stop.aborted) await this.#drain();
  }

  async #drain(): Promise<void> {
    const { service, log, drainTimeoutMs } = this.#options;
    // No client has connected yet.
    for (const connection of this.#openings.keys()) connection.close("drain");
    await Promise.all(this.#openings.values());
    if (this.#sessions.size === 0) return;
    log.info("draining", { connections: this.#sessions.size, timeout: formatDuration(drainTimeoutMs) });
    const drainsSessions = service.drain?.() === true;
    if (!drainsSessions) { for (const session of this.#sessions.keys()) session.drain(); }
    using _timer = startTimer(drainTimeoutMs, () => {
      log.warning("drain timed out, closing the remaining connections", { connections: this.#sessions.size });
      for (const session of this.#sessions.keys()) session.close("drain");
    });
    await this.#allLeft();
  }

  async #allLeft(): Promise<void> {
    while (this.#openings.size + this.#sessions.size > 0) {
      await Promise.all([...this.#openings.values(), ...this.#sessions.values()]);
    }
  }
}
