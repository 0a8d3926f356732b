import { Backoff } from "../base/backoff.ts";
import { messageOf } from "../base/errors.ts";
import type { DatagramGate } from "../guard/datagram_gate.ts";
import type { Logger } from "../log/logger.ts";
import type { Datagram, DatagramSocket } from "../net/datagram.ts";
import { type Endpoint, isHostEndpoint } from "../net/endpoint.ts";
import { abortable, delay } from "../net/wait.ts";
import { DatagramCounts, type DropReason } from "./counts.ts";
import type { Impairment } from "./impairment.ts";
import { Outflow } from "./outflow.ts";
import type { DatagramService } from "./service.ts";

/** How long the last replies may take to leave, in milliseconds. */
const LAST_REPLIES_MS = 1_000;

/** What a {@linkcode DatagramServer} is made of. */
export interface DatagramServerOptions {
  /** What is done with each datagram, on every socket. */
  service: DatagramService;
  /** Where datagrams come in; the server closes them. */
  sockets: readonly DatagramSocket[];
  /** Carries the server's context. */
  log: Logger;
  /** Ends after this many datagrams have come. */
  maxDatagrams?: number | undefined;
  /**
   * Whether a reply may be larger than its request. Without it the server
   * cannot be made to send more to a forged address than it was sent.
   *
   * @default {false}
   */
  mayAmplify?: boolean | undefined;
  /** Who is served, and how often. */
  gate?: DatagramGate | undefined;
  /** A bad network before the service. */
  impairment?: Impairment | undefined;
}

/** Serves one service on any number of datagram sockets until it is told to end. */
export class DatagramServer {
  /** What came, went and was dropped. */
  readonly counts = new DatagramCounts();
  readonly #options: DatagramServerOptions;
  readonly #ending = new AbortController();
  #isAmplificationSaid = false;
  #failure: { readonly error: unknown } | undefined;

  /** Nothing is received before {@linkcode run}. */
  constructor(options: DatagramServerOptions) {
    this.#options = options;
  }

  /**
   * Receives and replies. It returns when `stop` aborts or `maxDatagrams` have
   * been served, and throws, all sockets closed, what the service throws.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { sockets, log, service, impairment } = this.#options;
    const end = () => this.#end();
    stop.addEventListener("abort", end, { once: true });
    if (stop.aborted) end();
    try {
      await Promise.all(sockets.map((socket) => this.#serve(socket)));
    } finally {
      stop.removeEventListener("abort", end);
      end();
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

  /** The receive loop: back-pressure is the kernel's buffer, which drops what does not fit. */
  async #serve(socket: DatagramSocket): Promise<void> {
    const { maxDatagrams = Infinity } = this.#options;
    const backoff = new Backoff();
    const outflow = new Outflow(socket, this.counts);
    const isDone = () => this.counts.received >= maxDatagrams;
    const answerAll = socket.endpoint.scheme === "udp" ? this.#answerInTurn : this.#answerAtOnce;
    while (!this.#ending.signal.aborted && !isDone()) {
      const before = this.counts.received;
      try {
        await answerAll.call(this, socket, outflow, isDone);
      } catch (error) {
        if (this.counts.received > before) backoff.reset();
        // Windows tells here that an earlier reply found its port closed: no reason to end.
        if (backoff.isFresh) socket.log.warning("receive failed, trying again", { error: messageOf(error) });
        await delay(backoff.next(), this.#ending.signal).catch(() => {
          // The signal: the loop's condition ends it.
        });
      }
    }
    if (this.#ending.signal.aborted) return;
    const last = async () => {
      await this.#options.impairment?.whenIdle();
      await Promise.race([outflow.whenIdle(), delay(LAST_REPLIES_MS, this.#ending.signal)]);
    };
    // The signal comes first where somebody does not want to wait: the replies are given up.
    await abortable(last(), { signal: this.#ending.signal }, () => new Error("unreachable")).catch(() => {});
    this.#end();
  }

  #answerInTurn(socket: DatagramSocket, outflow: Outflow, isDone: () => boolean): Promise<void> {
    const answer = (datagram: Datagram) => this.#take(datagram, outflow, socket);
    return socket.answerEach(answer, (bytes, error) => outflow.count(bytes, error), isDone);
  }

  /** One Unix client that does not read would hold up all. */
  async #answerAtOnce(socket: DatagramSocket, outflow: Outflow, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      const datagram = await socket.receive();
      if (datagram === null) return;
      const reply = this.#take(datagram, outflow, socket);
      // The reply may be the datagram itself, whose bytes the next one overwrites.
      if (reply !== undefined && datagram.from !== null) outflow.send(reply.slice(), datagram.from);
    }
  }

  /** The reply, where there is one that leaves now; it may be the datagram's own bytes. */
  #take(datagram: Datagram, outflow: Outflow, socket: DatagramSocket): Uint8Array | undefined {
    const { counts } = this;
    const { gate, impairment, service } = this.#options;
    counts.received++;
    counts.receivedBytes += datagram.data.length;
    if (datagram.isTruncated && service.takesTruncated !== true) return this.#drop("truncated");
    const refusal = gate && gate.refusalOf(addressOf(datagram.from));
    if (refusal !== undefined) return this.#drop(refusal);
    if (impairment === undefined) return this.#replyTo(datagram, socket);
    const { from, isTruncated } = datagram;
    impairment.pass(datagram.data, (data) => {
      const reply = this.#replyTo({ data, from, isTruncated }, socket);
      if (reply !== undefined && from !== null) outflow.send(reply, from);
    });
    return undefined;
  }

  #replyTo(datagram: Datagram, socket: DatagramSocket): Uint8Array | undefined {
    let reply: Uint8Array | undefined;
    try {
      reply = this.#options.service.onDatagram(datagram, socket);
    } catch (error) {
      // Not left to the receive loop: it takes what it catches for a failure of the socket, and goes on.
      this.#failure ??= { error };
      this.#end();
    }
    if (reply === undefined) return undefined;
    // Only a Unix socket can be without a name.
    if (socket.endpoint.scheme !== "udp" && datagram.from === null) return this.#drop("no address");
    if (reply.length > datagram.data.length && !this.#options.mayAmplify) return this.#refuseToAmplify();
    return reply;
  }

  #drop(reason: DropReason): undefined {
    this.counts.drop(reason);
  }

  #refuseToAmplify(): undefined {
    if (!this.#isAmplificationSaid) {
      this.#isAmplificationSaid = true;
      this.#options.log.warning("a reply larger than its request is not sent; --amplify allows it");
    }
    return this.#drop("amplification");
  }
}

function addressOf(from: Endpoint | null): string {
  return from === null ? "" : isHostEndpoint(from) ? from.host : from.path;
}
