import { messageOf } from "../base/errors.ts";
import type { DatagramGate } from "../guard/datagram_gate.ts";
import type { Logger } from "../log/logger.ts";
import type { Datagram, DatagramSocket } from "../net/datagram.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../net/endpoint.ts";
import { delay } from "../net/wait.ts";
import { DatagramCounts } from "./counts.ts";
import type { Impairment } from "./impairment.ts";
import { Outflow } from "./outflow.ts";

/** Most clients at a time; beyond it the one heard of longest ago is forgotten. */
const MOST_CLIENTS = 512;

/** How long the replies to the last datagrams may take, in milliseconds. */
const LAST_REPLIES_MS = 200;

/** What a {@linkcode DatagramRelay} is made of. */
export interface DatagramRelayOptions {
  /** Where clients send; the relay closes it. */
  front: DatagramSocket;
  /** Where their datagrams go, with a numeric address. */
  target: Endpoint;
  /** Opens a socket to the target, one for each client. */
  open: () => Promise<DatagramSocket>;
  /** Carries the relay's context. */
  log: Logger;
  /** A bad network on the way to the target. */
  toTarget?: Impairment | undefined;
  /** A bad network on the way back. */
  toClient?: Impairment | undefined;
  /** Who may send, and how often. */
  gate?: DatagramGate | undefined;
  /** Ends after this many datagrams have come from clients. */
  maxDatagrams?: number | undefined;
}

interface Client {
  readonly socket: DatagramSocket;
  readonly outflow: Outflow;
  readonly receiving: Promise<void>;
}

/**
 * Passes datagrams on to a target and its replies back, each client by a
 * socket of its own, so that the target can tell the clients apart and a
 * reply finds its way.
 */
export class DatagramRelay {
  /** Datagrams of clients, as received and as passed on. */
  readonly forward = new DatagramCounts();
  /** Datagrams of the target, as received and as passed back. */
  readonly backward = new DatagramCounts();
  readonly #options: DatagramRelayOptions;
  readonly #back: Outflow;
  /** By the client's endpoint as text; in the order in which they were last heard of. */
  readonly #clients = new Map<string, Client>();
  readonly #closing = new Set<Promise<void>>();

  /** Nothing is passed on before {@linkcode run}. */
  constructor(options: DatagramRelayOptions) {
    this.#options = options;
    this.#back = new Outflow(options.front, this.backward);
  }

  /** Clients that have a socket to the target. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** Passes on until `stop` aborts, or `maxDatagrams` have come and what is delayed has left. */
  async run(stop: AbortSignal): Promise<void> {
    const { front, log, toTarget, toClient, maxDatagrams = Infinity } = this.#options;
    const end = () => front.close();
    stop.addEventListener("abort", end, { once: true });
    if (stop.aborted) end();
    try {
      while (this.forward.received < maxDatagrams) {
        const datagram = await front.receive();
        if (datagram === null) break;
        await this.#onClient(datagram);
      }
      if (!stop.aborted) await this.#finish(stop);
    } finally {
      stop.removeEventListener("abort", end);
      end();
      toTarget?.[Symbol.dispose]();
      toClient?.[Symbol.dispose]();
      for (const key of this.#clients.keys()) this.#forget(key);
      await Promise.all(this.#closing);
      log.info("ended", { ...this.forward.toFields(), ...toTarget?.toFields(), replies: this.backward.received });
    }
  }

  /** What is delayed leaves, and the last replies have a moment to come. */
  async #finish(stop: AbortSignal): Promise<void> {
    await this.#options.toTarget?.whenIdle();
    await delay(LAST_REPLIES_MS, stop).catch(() => {
      // The signal: whoever sent it does not wait.
    });
    await this.#options.toClient?.whenIdle();
    await this.#back.whenIdle();
  }

  async #onClient(datagram: Datagram): Promise<void> {
    const { gate, target, toTarget } = this.#options;
    const { from, data } = datagram;
    this.forward.received++;
    this.forward.receivedBytes += data.length;
    if (datagram.isTruncated) return this.forward.drop("truncated");
    if (from === null) return this.forward.drop("no address");
    const refusal = gate?.refusalOf(isHostEndpoint(from) ? from.host : from.path);
    if (refusal !== undefined) return this.forward.drop(refusal);
    const client = await this.#clientOf(from);
    const send = (bytes: Uint8Array) => client.outflow.send(bytes, target);
    // Sent after the next receive has reused the buffer: so in bytes of its own.
    if (toTarget === undefined) send(data.slice());
    else toTarget.pass(data, send);
  }

  async #clientOf(endpoint: Endpoint): Promise<Client> {
    const key = formatEndpoint(endpoint);
    let client = this.#clients.get(key);
    if (client === undefined) {
      const oldest = this.#clients.keys().next().value;
      if (this.#clients.size >= MOST_CLIENTS && oldest !== undefined) this.#forget(oldest);
      const socket = await this.#options.open();
      const outflow = new Outflow(socket, this.forward);
      this.#options.log.debug("new client", { client: key, by: formatEndpoint(socket.endpoint) });
      client = { socket, outflow, receiving: this.#receiveReplies(socket, endpoint) };
    } else {
      // Deleted first: a map keeps the order of insertion.
      this.#clients.delete(key);
    }
    this.#clients.set(key, client);
    return client;
  }

  async #receiveReplies(socket: DatagramSocket, client: Endpoint): Promise<void> {
    const { toClient } = this.#options;
    const send = (bytes: Uint8Array) => this.#back.send(bytes, client);
    for await (const { data, isTruncated } of socket) {
      this.backward.received++;
      this.backward.receivedBytes += data.length;
      if (isTruncated) this.backward.drop("truncated");
      else if (toClient === undefined) send(data.slice());
      else toClient.pass(data, send);
    }
  }

  #forget(key: string): void {
    const client = this.#clients.get(key);
    if (client === undefined) return;
    this.#clients.delete(key);
    client.socket.close();
    const closing = client.receiving.catch((error: unknown) => {
      this.#options.log.warning("receiving replies failed", { error: messageOf(error) });
    }).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
