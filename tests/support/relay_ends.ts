import { connect, type Connection, listen } from "@parley/parley";
import { formatEndpoint, isHostEndpoint } from "../../src/net/endpoint.ts";
import { type Relay, type RelayOptions, startRelay } from "../../src/relay/mod.ts";
import { WebSocketAcceptor } from "../../src/websocket/acceptor.ts";
import { openWebSocket } from "../../src/websocket/dial.ts";
import type { WebSocketSession } from "../../src/websocket/session.ts";
import { DeadlineTimer } from "../../src/net/deadline_timer.ts";
import { nextTurn } from "../../src/net/wait.ts";
import { TestAuthority } from "./certificates.ts";

/** What carries both halves of a relayed connection. */
export type Kind = "tcp" | "tls" | "unix" | "ws" | "wss";

/** One of each. */
export const KINDS: readonly Kind[] = ["tcp", "tls", "unix", "ws"];

/** All of them. */
export const ENDPOINT_KINDS: readonly Kind[] = [...KINDS, "wss"];

const authority = await TestAuthority.create();
const pair = await authority.issue();
const TLS = { ca: authority.cert };

/** One end: the client, or the target that the relay has dialled. */
export class End {
  readonly connection: Connection;
  readonly session: WebSocketSession | undefined;
  #rest: Uint8Array[] = [];

  constructor(connection: Connection, session?: WebSocketSession) {
    this.connection = connection;
    this.session = session;
  }

  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    await (this.session ?? this.connection).write(bytes);
  }

  /** The next bytes, whatever their number; `null` at the end. */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const kept = this.#rest.shift();
    if (kept !== undefined) return kept.slice();
    if (this.session === undefined) return (await this.connection.read())?.slice() ?? null;
    const messages = await this.session.receive();
    if (messages === null) return null;
    const [first, ...rest] = messages.map(({ data }) => data.slice());
    this.#rest.push(...rest);
    return first ?? null;
  }

  /** Everything up to the end, and whether it was a reset. */
  async readAll(): Promise<{ bytes: Uint8Array<ArrayBuffer>; isReset: boolean }> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let isReset = false;
    try {
      for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) chunks.push(chunk);
    } catch {
      isReset = true;
    }
    return { bytes: await new Blob(chunks).bytes(), isReset };
  }

  /** Minimum number of bytes. */
  async readBytes(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let have = 0; have < count;) {
      const chunk = await this.read();
      if (chunk === null) break;
      chunks.push(chunk);
      have += chunk.length;
    }
    return await new Blob(chunks).bytes();
  }

  /** Half-closes, or closes a WebSocket, which has no halves. */
  async endWrite(): Promise<void> {
    if (this.session !== undefined) this.session.sendClose({ code: 1000, text: "" });
    else await this.connection.closeWrite();
  }

  reset(): void {
    this.connection.reset();
  }

  close(): void {
    (this.session ?? this.connection).close("done");
  }
}

/** A target of a kind, and how to dial like it. */
export class Target implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #accepted: PromiseWithResolvers<End>[] = [];
  readonly #ends: End[] = [];
  #taken = 0;
  endpoint = "";

  static async open(kind: Kind, folder: string): Promise<Target> {
    const target = new Target();
    const listener = target.#stack.use(await listen(endpointOf(kind, folder, "target"), { canReset: true, tls: pair }));
    target.endpoint = formatEndpoint(listener.endpoint);
    const acceptor = kind === "ws" || kind === "wss" ? await webSocketAcceptor() : undefined;
    void (async () => {
      let index = 0;
      for await (const connection of listener) {
        const place = index++;
        void (async () => {
          await connection.handshake().catch(() => {});
          const session = await acceptor?.accept(connection);
          const end = new End(connection, session);
          target.#ends.push(end);
          target.#at(place).resolve(end);
        })();
      }
    })();
    return target;
  }

  /** The next connection that the relay has opened. */
  next(): Promise<End> {
    return this.#at(this.#taken++).promise;
  }

  #at(index: number): PromiseWithResolvers<End> {
    return this.#accepted[index] ??= Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) {
      await end.session?.finish("done", { timeout: 1 });
      end.close();
    }
    await this.#stack.disposeAsync();
  }
}

/** A target, a relay in front of it, and clients of it, all of one kind. */
export class RelayBench implements AsyncDisposable {
  readonly target: Target;
  readonly relay: Relay;
  readonly kind: Kind;
  readonly #folder: string;
  readonly #clients: End[] = [];

  private constructor(kind: Kind, folder: string, target: Target, relay: Relay) {
    this.kind = kind;
    this.#folder = folder;
    this.target = target;
    this.relay = relay;
  }

  /** The target is of the relay's kind, or of one of its own. */
  static async open(kind: Kind, options: RelayOptions = {}, targetKind = kind): Promise<RelayBench> {
    const folder = await Deno.makeTempDir();
    const target = await Target.open(targetKind, folder);
    const relay = await startRelay(endpointOf(kind, folder, "relay"), target.endpoint, {
      ...options,
      tls: pair,
      dial: { tls: TLS, ...options.dial },
    });
    return new RelayBench(kind, folder, target, relay);
  }

  async dial(): Promise<End> {
    const end = await dialEnd(formatEndpoint(this.relay.endpoint));
    this.#clients.push(end);
    return end;
  }

  /** A client, and the connection that the target has got for it. */
  async pair(): Promise<{ client: End; server: End }> {
    const client = await this.dial();
    return { client, server: await this.target.next() };
  }

  /** Settles when the relay has no connection open any more; with how many it has after a while otherwise. */
  async whenEmpty(limitMs = 5_000): Promise<number> {
    const { open } = this.relay.stats;
    for (const endMs = performance.now() + limitMs; open.size > 0 && performance.now() < endMs;) await nextTurn();
    return open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.relay[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Connects to an endpoint of any kind. */
export async function dialEnd(endpoint: string): Promise<End> {
  const connection = await connect(endpoint, { canReset: true, tls: TLS });
  const { remote } = connection;
  if (!isHostEndpoint(remote) || (remote.scheme !== "ws" && remote.scheme !== "wss")) return new End(connection);
  return new End(connection, await openWebSocket(connection, remote));
}

function endpointOf(kind: Kind, folder: string, name: string): string {
  return kind === "unix" ? `unix:${folder}/${name}.sock` : `${kind}://localhost:0`;
}

function webSocketAcceptor(): Promise<WebSocketAcceptor> {
  return WebSocketAcceptor.create({
    routes: {},
    subprotocols: [],
    origins: [],
    pings: { deadlineTimer: new DeadlineTimer(), interval: 60_000, timeout: 60_000 },
    maxMessageBytes: 16 * 1024 * 1024,
  });
}
