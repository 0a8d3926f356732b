import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { BindError, ParleyError } from "../base/errors.ts";
import { isSameIp } from "../base/ip.ts";
import { formatHostPort } from "./endpoint.ts";
import type { Acceptor } from "./listener.ts";
import { dialResettable, ResettableTransport } from "./resettable.ts";
import { pause } from "./wait.ts";

/** Where it listens. */
type Where = Pick<ListenOptions, "host" | "port" | "backlog" | "reusePort">;

/** Clients that wait while the server is full; further ones are reset, because each of them uses a descriptor. */
const MAX_WAITING = 32;
/** Connections with which descriptors may run out. */
const WATCHED_FROM = 8;
/** Time without a new client after which it is checked whether one would still be accepted. */
const QUIET_MS = 500;
/** The longest time between two checks. */
const MAX_QUIET_MS = 8_000;
/** How long a check waits: in turns, so that an event loop that is late does not count. */
const CHECK_TURNS = 20;
const CHECK_TURN_MS = 50;
/** Share of the connections at which descriptors ran out that are accepted from then on. */
const FITTING_SHARE = 0.75;

/**
 * Accepts connections that can be reset. It accepts from the kernel eagerly, not once per call.
 *
 * A server of `node:net` that has run out of descriptors never accepts again, and reports nothing (Deno 2.9.6), until
 * another one takes over its socket. So while many are connected, and no new one has arrived for a while, it connects to
 * itself; if that is not accepted, or may not be tried, a new server takes over, and clients in the backlog are accepted.
 */
export class ResettableAcceptor implements Acceptor {
  readonly addr: Deno.NetAddr;
  readonly #where: Where;
  readonly #closing = new AbortController();
  readonly #waiting: Socket[] = [];
  #server: Server;
  #next: PromiseWithResolvers<void> | undefined;
  #open = 0;
  #peak = 0;
  #max = Infinity;
  #isStuck = false;
  #hasAccepted = false;
  #quietMs = QUIET_MS;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #trim: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Its own connection, whose address is known once it is connected. */
  #check: { from?: Deno.NetAddr; isAccepted: boolean } | undefined;

  private constructor(server: Server, where: Where) {
    this.#where = where;
    this.#server = server;
    const address = server.address();
    const { address: hostname, port } = typeof address === "object" && address ? address : { address: "", port: 0 };
    this.addr = { transport: "tcp", hostname, port };
    server.on("connection", this.#onConnection);
  }

  /** Listens on a numeric address. */
  static async listen(where: Where): Promise<ResettableAcceptor> {
    return new ResettableAcceptor(await open(where), where);
  }

  /**
   * Accepts on an inherited listening TCP socket.
   *
   * @throws {BindError} The descriptor is not a listening TCP socket.
   */
  static async adopt(descriptor: number): Promise<ResettableAcceptor> {
    const why = `descriptor ${descriptor} is not a listening TCP socket of this process`;
    const fail = (cause?: unknown) =>
      new BindError("not available", `Cannot listen on fd:${descriptor}: ${why}`, {
        cause,
        endpoint: `fd:${descriptor}`,
      });
    const server = await open({ fd: descriptor }).catch((error: unknown) => {
      throw fail(error);
    });
    const acceptor = new ResettableAcceptor(server, {});
    if (acceptor.addr.port > 0) return acceptor;
    acceptor.close();
    throw fail();
  }

  /** The next connection. */
  async accept(): Promise<ResettableTransport> {
    while (!this.#isClosed) {
      if (this.#isStuck) this.#leaveStuck();
      // Which client is its own is known once that is connected.
      const isChecking = this.#check !== undefined && this.#check.from === undefined;
      const socket = isChecking ? undefined : this.#waiting.shift();
      if (socket !== undefined) return new ResettableTransport(socket);
      this.#next = Promise.withResolvers();
      await this.#next.promise;
    }
    throw new Deno.errors.BadResource("the listener is closed");
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#watch);
    clearTimeout(this.#trim);
    clearTimeout(this.#retry);
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#server.close();
    this.#next?.resolve();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  readonly #onConnection = (socket: Socket): void => {
    this.#hasAccepted = true;
    this.#peak = Math.max(this.#peak, ++this.#open);
    socket.once("close", () => {
      this.#open--;
      // Once descriptors have run out, they may again: now one is free.
      if (this.#max < Infinity && !this.#isClosed) this.#retry ??= setTimeout(() => this.#takeOver(), 0);
    });
    if (this.#open > this.#max) return void socket.resetAndDestroy();
    this.#waiting.push(socket);
    this.#takeOwn();
    if (this.#waiting.length > MAX_WAITING) this.#trim ??= setTimeout(() => this.#resetExcess(), 0);
    if (this.#open >= WATCHED_FROM) this.#watchSoon();
    this.#next?.resolve();
  };

  /** After a burst has been accepted, what still waits does so because the server is full. */
  #resetExcess(): void {
    this.#trim = undefined;
    for (const socket of this.#waiting.splice(MAX_WAITING)) socket.resetAndDestroy();
  }

  #watchSoon(): void {
    if (this.#check !== undefined || this.#isClosed) return;
    this.#watch ??= setTimeout(() => {
      this.#watch = undefined;
      void this.#watchOn();
    }, this.#quietMs);
  }

  /**
   * Another process that shares the port could accept a check. A permission for port 0 does not hold for the port that
   * was picked; the runtime would ask for one.
   */
  #mayCheck(): boolean {
    if (this.#where.reusePort === true) return false;
    const host = formatHostPort(this.addr.hostname, this.addr.port);
    return Deno.permissions.querySync({ name: "net", host }).state === "granted";
  }

  async #watchOn(): Promise<void> {
    if (this.#hasAccepted) {
      this.#hasAccepted = false;
      this.#quietMs = QUIET_MS;
      return this.#watchSoon();
    }
    const mayCheck = this.#mayCheck();
    const accepts = mayCheck ? await this.#isAccepting() : undefined;
    if (this.#isClosed) return;
    if (accepts !== true) this.#takeOver();
    this.#isStuck = accepts === false;
    this.#next?.resolve();
    this.#quietMs = Math.min(2 * this.#quietMs, MAX_QUIET_MS);
    if (accepts === undefined && mayCheck || this.#open >= WATCHED_FROM) this.#watchSoon();
  }

  /** The old server is not closed, because that would close the socket. */
  #takeOver(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const server = newServer().listen(this.#server, this.#where.backlog);
    server.on("connection", this.#onConnection);
    this.#server = server;
  }

  /** Whether a client is accepted; `undefined` if it cannot be tried, for example without descriptors. */
  async #isAccepting(): Promise<boolean | undefined> {
    const check: { from?: Deno.NetAddr; isAccepted: boolean } = this.#check = { isAccepted: false };
    const giveUp = new AbortController();
    let failure: unknown;
    const { hostname, port } = this.addr;
    const dialing = dialResettable(hostname, port, giveUp.signal).then((conn) => {
      check.from = conn.localAddr;
      this.#takeOwn();
      this.#next?.resolve();
      return conn;
    }, (error: unknown) => {
      failure = error;
    });
    for (let turn = 0; turn < CHECK_TURNS && !check.isAccepted && failure === undefined && !this.#isClosed; turn++) {
      await pause(CHECK_TURN_MS, this.#closing.signal);
    }
    const hasFailed = failure !== undefined;
    giveUp.abort(new DOMException("the check has ended", "AbortError"));
    (await dialing)?.close();
    this.#check = undefined;
    // Its own connection was the last one accepted.
    this.#hasAccepted = false;
    return hasFailed || this.#isClosed ? undefined : check.isAccepted;
  }

  #takeOwn(): void {
    const from = this.#check?.from;
    if (this.#check === undefined || from === undefined) return;
    const isOwn = ({ remoteAddress = "", remotePort }: Socket) =>
      remotePort === from.port && isSameIp(remoteAddress, from.hostname);
    const index = this.#waiting.findIndex(isOwn);
    if (index === -1) return;
    this.#waiting.splice(index, 1)[0]?.destroy();
    this.#check.isAccepted = true;
  }

  #leaveStuck(): never {
    const where = `tcp://${formatHostPort(this.addr.hostname, this.addr.port)}`;
    this.#isStuck = false;
    this.#max = Math.max(1, Math.floor(this.#peak * FITTING_SHARE));
    this.#peak = 0;
    throw new ParleyError(
      `Cannot accept on ${where}: too many open files; accepting again, for ${this.#max} connections`,
    );
  }
}

function newServer(): Server {
  return createServer({ allowHalfOpen: true, pauseOnConnect: true });
}

async function open(where: ListenOptions & { fd?: number }): Promise<Server> {
  const server = newServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(where, resolve);
  await promise;
  server.off("error", reject);
  return server;
}
