import { Backoff } from "../base/backoff.ts";
import { messageOf } from "../base/errors.ts";
import type { DatagramGate } from "../guard/datagram_gate.ts";
import type { Logger } from "../log/logger.ts";
import type { Datagram, DatagramSocket } from "../net/datagram.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../net/endpoint.ts";
import { abortable, onAbort, pause } from "../net/wait.ts";
import { BoundedSender } from "./bounded_sender.ts";
import { DatagramCounts, type DropReason } from "./counts.ts";
import type { Impairments } from "./impairments.ts";
import type { DatagramService } from "./service.ts";

/** Maximum time to send the last replies, in milliseconds. */
const LAST_REPLIES_MS = 1_000;

/** Options of {@linkcode DatagramServer}. */
export interface DatagramServerOptions {
  /** Handles each datagram, on every socket. */
  service: DatagramService;
  /** The sockets to serve; the server closes them. */
  sockets: readonly DatagramSocket[];
  /** Logger with the server's context. */
  log: Logger;
  /** Ends after this many datagrams. */
  maxDatagrams?: number | undefined;
  /**
   * Whether a reply may be larger than its request. If not, requests with a spoofed address cannot use the server for
   * amplification.
   *
   * @default {false}
   */
  mayAmplify?: boolean | undefined;
  /** Access list and rates. */
  gate?: DatagramGate | undefined;
  /** Simulated network in front of the service. */
  impairment?: Impairments | undefined;
  /** Backpressure: what to wait for before the next datagram is received, if anything. */
  heldBy?: (() => Promise<void> | undefined) | undefined;
}

/** Runs one service on any number of datagram sockets. */
export class DatagramServer {
  /** Counts so far. */
  readonly counts: DatagramCounts = new DatagramCounts();
  readonly #options: DatagramServerOptions;
  readonly #ending = new AbortController();
  #hasWarned = false;
  #failure: { readonly error: unknown } | undefined;

  /** Receives nothing until {@linkcode run} is called. */
  constructor(options: DatagramServerOptions) {
    this.#options = options;
  }

  /**
   * Receives and replies until `stop` aborts or `maxDatagrams` have arrived. An exception of the service ends it. The
   * sockets are closed at the end.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { sockets, log, service, impairment } = this.#options;
    using _end = onAbort(stop, () => this.#end());
    try {
      await Promise.all(sockets.map((socket) => this.#serve(socket)));
    } finally {
      this.#end();
      service[Symbol.dispose]?.();
      impairment?.[Symbol.dispose]();
      log.info("ended", { ...this.counts.toFields(), ...impairment?.toFields() });
    }
    if (this.#failure) throw this.#failure.error;
  }

  #end(): void {
    this.#ending.abort();
    for (const socket of this.#options.sockets) socket.close();
  }

  /** The receive loop. Excess datagrams are dropped by the kernel. */
  async #serve(socket: DatagramSocket): Promise<void> {
    const { maxDatagrams = Infinity } = this.#options;
    const backoff = new Backoff();
    const sender = new BoundedSender(socket, this.counts);
    const isDone = () => this.counts.received >= maxDatagrams;
    const answerAll = socket.endpoint.scheme === "udp" ? this.#answerInTurn : this.#answerAtOnce;
    while (!this.#ending.signal.aborted && !isDone()) {
      const before = this.counts.received;
      try {
        await answerAll.call(this, socket, sender, isDone);
      } catch (error) {
        if (this.counts.received > before) backoff.reset();
        // Windows reports the closed port of an earlier reply here; the server continues.
        if (backoff.isFresh) socket.log.warning("receive failed; retrying", { error: messageOf(error) });
        await pause(backoff.next(), this.#ending.signal);
      }
    }
    if (this.#ending.signal.aborted) return;
    const last = async () => {
      await this.#options.impairment?.whenIdle();
      await Promise.race([sender.whenIdle(), pause(LAST_REPLIES_MS, this.#ending.signal)]);
    };
    // If the signal aborts first, the remaining replies are abandoned.
    await abortable(last(), { signal: this.#ending.signal }).catch(() => {});
    this.#end();
  }

  #answerInTurn(socket: DatagramSocket, sender: BoundedSender, isDone: () => boolean): Promise<void> {
    const answer = (datagram: Datagram) => this.#take(datagram, sender, socket);
    return socket.answerEach(answer, (bytes, error) => sender.count(bytes, error), isDone, this.#options.heldBy);
  }

  /** Does not wait for sends, because a Unix client that does not read would block all others. */
  async #answerAtOnce(socket: DatagramSocket, sender: BoundedSender, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      const held = this.#options.heldBy?.();
      if (held !== undefined) await held;
      const datagram = await socket.receive();
      if (datagram === null) return;
      const reply = this.#take(datagram, sender, socket);
      // Copied, because the reply may be the received bytes, which the next datagram overwrites.
      if (reply !== undefined && datagram.from !== null) sender.send(reply.slice(), datagram.from);
    }
  }

  /** The reply to send now, if any; it may be a view of the received bytes. */
  #take(datagram: Datagram, sender: BoundedSender, socket: DatagramSocket): Uint8Array | undefined {
    const { counts } = this;
    const { gate, impairment, service } = this.#options;
    counts.received++;
    counts.receivedBytes += datagram.data.length;
    if (datagram.isOwn) return this.#drop("own address");
    if (datagram.isTruncated && service.takesTruncated !== true) return this.#drop("truncated");
    const refusal = gate && gate.refusalOf(addressOf(datagram.from));
    if (refusal !== undefined) return this.#drop(refusal);
    if (impairment === undefined) return this.#replyTo(datagram, socket);
    const { from, isTruncated } = datagram;
    impairment.flowOf(from === null ? "" : formatEndpoint(from)).pass(datagram.data, (data) => {
      const reply = this.#replyTo({ data, from, isTruncated }, socket);
      if (reply !== undefined && from !== null) sender.send(reply, from);
    });
    return undefined;
  }

  #replyTo(datagram: Datagram, socket: DatagramSocket): Uint8Array | undefined {
    let reply: Uint8Array | undefined;
    try {
      reply = this.#options.service.onDatagram(datagram, socket);
    } catch (error) {
      // Not rethrown: the receive loop would handle it as a failure of the socket, and retry.
      this.#failure ??= { error };
      this.#end();
    }
    if (reply === undefined) return undefined;
    // Only a Unix socket can be unnamed.
    if (socket.endpoint.scheme !== "udp" && datagram.from === null) return this.#drop("no address");
    if (reply.length > datagram.data.length && !this.#options.mayAmplify) return this.#dropAmplified();
    return reply;
  }

  #drop(reason: DropReason): undefined {
    this.counts.drop(reason);
  }

  #dropAmplified(): undefined {
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      this.#options.log.warning("reply larger than its request not sent (allow with --amplify)");
    }
    return this.#drop("amplification");
  }
}

function addressOf(from: Endpoint | null): string {
  return from === null ? "" : isHostEndpoint(from) ? from.host : from.path;
}
