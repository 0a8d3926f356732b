import { type Duration, parseDuration } from "../base/units.ts";
import { messageOf, ResetError } from "../base/errors.ts";
import type { DatagramGate } from "../guard/datagram_gate.ts";
import type { Logger } from "../log/logger.ts";
import { type Datagram, type DatagramSocket, isFrom } from "../net/datagram.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../net/endpoint.ts";
import { isOutOfDescriptors } from "../net/socket_error.ts";
import { nextTurn, onAbort, pause } from "../net/wait.ts";
import { BoundedSender } from "./bounded_sender.ts";
import { type ClientCounts, ClientTable, type RemovalReason, type TableEntry } from "./client_table.ts";
import { DatagramCounts } from "./counts.ts";
import type { DatagramFlow, Impairments } from "./impairments.ts";

/** How long the relay waits for replies to the last datagrams, in milliseconds. */
const LAST_REPLIES_MS = 200;
/** Maximum sockets that are opened before datagrams are received again. */
const OPEN_BATCH = 16;
/** Maximum datagrams and bytes that wait for their client's socket. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Options of {@linkcode DatagramRelay}. */
export interface DatagramRelayOptions {
  /** The socket for clients; the relay closes it. */
  front: DatagramSocket;
  /** The target, with a numeric address. */
  target: Endpoint;
  /** Opens a client's socket to the target. */
  open: () => Promise<DatagramSocket>;
  /** Logger with the relay's context. */
  log: Logger;
  /** Simulated network to the target. */
  toTarget?: Impairments | undefined;
  /** Simulated network to the client. */
  toClient?: Impairments | undefined;
  /** Access list and rates. */
  gate?: DatagramGate | undefined;
  /** Ends after this many datagrams from clients. */
  maxDatagrams?: number | undefined;
  /** Maximum clients at a time; beyond it the client that was idle longest is evicted. */
  maxClients: number;
  /** Time without a datagram in either direction after which a client is forgotten. */
  idleTimeout: Duration;
}

/** A client with its socket to the target. */
interface Client extends TableEntry {
  readonly endpoint: Endpoint;
  readonly toTarget: DatagramFlow | undefined;
  readonly toClient: DatagramFlow | undefined;
  /** Datagrams that wait for the socket. */
  readonly waiting: Uint8Array[];
  isForgotten: boolean;
  socket: DatagramSocket | undefined;
  sender: BoundedSender | undefined;
}

/**
 * Forwards datagrams to a target, and replies back. Each client has its own socket to the target, so that the target
 * can distinguish clients and the relay can route replies.
 */
export class DatagramRelay {
  /** Datagrams of clients, as received and as forwarded. */
  readonly forward: DatagramCounts = new DatagramCounts();
  /** Datagrams of the target, as received and as returned. */
  readonly backward: DatagramCounts = new DatagramCounts();
  readonly #options: DatagramRelayOptions;
  readonly #back: BoundedSender;
  /** By the client's endpoint as text. */
  readonly #clients: ClientTable<Client>;
  readonly #closing = new Set<Promise<void>>();
  readonly #unopened: Client[] = [];
  #opening: Promise<void> | undefined;
  #waitingCount = 0;
  #waitingBytes = 0;

  /** Forwards nothing until {@linkcode run} is called. */
  constructor(options: DatagramRelayOptions) {
    this.#options = options;
    this.#clients = new ClientTable({
      max: options.maxClients,
      idleTimeoutMs: parseDuration(options.idleTimeout),
      now: () => performance.now(),
      onRemoved: (client, reason) => this.#onRemoved(client, reason),
    });
    this.#back = new BoundedSender(options.front, this.backward);
  }

  /** Counts of clients. */
  get clients(): ClientCounts {
    return this.#clients.counts;
  }

  /** Forwards until `stop` aborts, or until `maxDatagrams` have arrived and all delayed datagrams are sent. */
  async run(stop: AbortSignal): Promise<void> {
    const { front, log, toTarget, toClient, maxDatagrams = Infinity } = this.#options;
    using _end = onAbort(stop, () => front.close());
    try {
      while (this.forward.received < maxDatagrams) {
        const datagram = await receive(front);
        if (datagram === null) break;
        this.#onDatagram(datagram);
      }
      if (!stop.aborted) await this.#finish(stop);
    } finally {
      front.close();
      for (const client of this.#clients.values()) this.#forget(client);
      const { total, evicted, expired } = this.clients;
      await this.#opening;
      await Promise.all(this.#closing);
      toTarget?.[Symbol.dispose]();
      toClient?.[Symbol.dispose]();
      log.info("ended", {
        ...this.forward.toFields(),
        ...toTarget?.toFields(),
        ...this.backward.toFields("replies_"),
        ...toClient?.toFields("replies_"),
        clients: total,
        ...evicted > 0 && { clients_evicted: evicted },
        ...expired > 0 && { clients_expired: expired },
      });
    }
  }

  /** Sends delayed datagrams, and waits briefly for the last replies. */
  async #finish(stop: AbortSignal): Promise<void> {
    await this.#opening;
    await this.#options.toTarget?.whenIdle();
    await pause(LAST_REPLIES_MS, stop);
    await this.#options.toClient?.whenIdle();
    await this.#back.whenIdle();
  }

  #onDatagram({ from, data, isTruncated, isOwn }: Datagram): void {
    this.forward.received++;
    this.forward.receivedBytes += data.length;
    if (isOwn) return this.forward.drop("own address");
    if (isTruncated) return this.forward.drop("truncated");
    if (from === null) return this.forward.drop("no address");
    const refusal = this.#options.gate?.refusalOf(isHostEndpoint(from) ? from.host : from.path);
    if (refusal !== undefined) return this.forward.drop(refusal);
    const client = this.#clientOf(from);
    // The next receive reuses the buffer.
    if (client.toTarget === undefined) this.#forward(client, data.slice());
    else client.toTarget.pass(data, (bytes) => this.#forward(client, bytes));
  }

  #forward(client: Client, data: Uint8Array): void {
    if (client.sender) return client.sender.send(data, this.#options.target);
    if (client.isForgotten) return this.forward.drop("no socket");
    if (this.#waitingCount >= MAX_WAITING || this.#waitingBytes + data.length > MAX_WAITING_BYTES) {
      return this.forward.drop("backlog");
    }
    this.#waitingCount++;
    this.#waitingBytes += data.length;
    client.waiting.push(data);
  }

  #clientOf(endpoint: Endpoint): Client {
    const key = formatEndpoint(endpoint);
    const known = this.#clients.get(key);
    if (known) {
      this.#clients.touch(known);
      return known;
    }
    const client = this.#clients.add((number) => ({
      key,
      endpoint,
      toTarget: this.#options.toTarget?.flow(number),
      toClient: this.#options.toClient?.flow(number),
      lastActiveMs: performance.now(),
      waiting: [],
      isForgotten: false,
      socket: undefined,
      sender: undefined,
    }));
    this.#unopened.push(client);
    this.#opening ??= this.#openAll();
    return client;
  }

  /**
   * Opens sockets outside the receive loop, so that a burst of new clients does not overflow the kernel's buffer.
   */
  async #openAll(): Promise<void> {
    for (let opened = 0; this.#unopened.length > 0; opened++) {
      if (opened % OPEN_BATCH === 0) await nextTurn();
      const client = this.#unopened.shift();
      if (client && !client.isForgotten) await this.#open(client);
    }
    this.#opening = undefined;
  }

  async #open(client: Client): Promise<void> {
    const { log, open } = this.#options;
    let socket: DatagramSocket;
    try {
      socket = await this.#openWithinLimit(client, open);
    } catch (error) {
      log.warning("cannot open a socket to the target", { client: client.key, error: messageOf(error) });
      return this.#forget(client);
    }
    if (client.isForgotten) return socket.close();
    log.debug("new client", { client: client.key, local: formatEndpoint(socket.endpoint) });
    client.socket = socket;
    client.sender = new BoundedSender(socket, this.forward);
    for (const data of this.#takeWaiting(client)) client.sender.send(data, this.#options.target);
    const closing = this.#receiveReplies(socket, client).catch((error: unknown) => {
      log.warning("receiving replies failed", { client: client.key, error: messageOf(error) });
      this.#forget(client);
    }).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** If the process runs out of descriptors, lowers the limit to the number of open sockets. */
  async #openWithinLimit(client: Client, open: () => Promise<DatagramSocket>): Promise<DatagramSocket> {
    for (;;) {
      try {
        return await open();
      } catch (error) {
        const others = this.#clients.values().filter((other) => other !== client && other.socket).toArray();
        if (!isOutOfDescriptors(error) || others.length === 0) throw error;
        this.#clients.shrink(others.length);
        this.#clients.evict(others[0]);
      }
    }
  }

  async #receiveReplies(socket: DatagramSocket, client: Client): Promise<void> {
    const { target } = this.#options;
    const send = (bytes: Uint8Array) => this.#back.send(bytes, client.endpoint);
    for (let datagram = await receive(socket); datagram; datagram = await receive(socket)) {
      if (client.isForgotten) return;
      const { data, from, isTruncated } = datagram;
      this.backward.received++;
      this.backward.receivedBytes += data.length;
      if (!isFrom(target, from)) {
        this.backward.drop("unexpected sender");
        continue;
      }
      this.#clients.touch(client);
      if (isTruncated) this.backward.drop("truncated");
      else if (client.toClient === undefined) send(data.slice());
      else client.toClient.pass(data, send);
    }
  }

  #takeWaiting(client: Client): Uint8Array[] {
    const waiting = client.waiting.splice(0);
    this.#waitingCount -= waiting.length;
    for (const { length } of waiting) this.#waitingBytes -= length;
    return waiting;
  }

  #onRemoved(client: Client, reason: RemovalReason): void {
    // Only the first eviction is a warning: a flood of new clients must not become a flood of log lines.
    const level = reason === "evicted" && this.clients.evicted === 1 ? "warning" : "debug";
    this.#options.log[level](`client ${reason}`, { client: client.key });
    this.#forget(client);
  }

  #forget(client: Client): void {
    if (client.isForgotten) return;
    client.isForgotten = true;
    this.#clients.delete(client);
    client.socket?.close();
    this.forward.drop("no socket", this.#takeWaiting(client).length);
  }
}

/** The next datagram. Windows reports the closed port of an earlier send here; the relay continues. */
async function receive(socket: DatagramSocket): Promise<Datagram | null> {
  for (;;) {
    try {
      return await socket.receive();
    } catch (error) {
      if (!(error instanceof ResetError)) throw error;
    }
  }
}
