import { toBytes } from "../../base/bytes.ts";
import { LimitError, UsageError } from "../../base/errors.ts";
import { isLoopback } from "../../base/ip.ts";
import type { DatagramService } from "../../datagram/service.ts";
import { rawCodec } from "../../framing/raw.ts";
import type { Logger } from "../../log/logger.ts";
import type { CloseReason } from "../../net/close_reason.ts";
import type { Datagram, DatagramSocket } from "../../net/datagram.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../net/endpoint.ts";
import { framerOf } from "../../session/framer.ts";
import type { Message } from "../../session/session.ts";
import type { ExchangeSession } from "../exchange.ts";
import type { Mock } from "./mock.ts";
import type { MockScript } from "./mock_script.ts";

/** Maximum peers; beyond it the oldest is dropped. */
const MAX_PEERS = 1_024;
/** Maximum datagrams queued for a peer's script; further ones are dropped, like in a full socket buffer. */
const MAX_WAITING = 1_024;

/** Options of {@linkcode DatagramMock}. */
interface DatagramMockOptions {
  readonly log: Logger;
  /** Whether a remote peer may be sent more bytes than it has sent. */
  readonly mayAmplify: boolean;
  /** Called when a peer's script ends. */
  readonly onEnd?: (() => void) | undefined;
  /** Called with the size of each sent datagram. */
  readonly onSent?: (bytes: number) => void;
}

/** Plays a script to each sender of datagrams, from its first datagram to the end of the script. */
export class DatagramMock implements DatagramService {
  readonly #mock: Mock;
  readonly #options: DatagramMockOptions;
  readonly #peers = new Map<string, { readonly peer: DatagramPeer; readonly served: Promise<void> }>();

  /** @throws {UsageError} The script has a step that needs a connection. */
  constructor(mock: Mock, script: MockScript, options: DatagramMockOptions) {
    const steps = script.connections.flatMap(({ steps, onConnect = [] }) =>
      typeof steps === "function" ? [] : [...onConnect, ...steps]
    );
    const ending = steps.find(({ kind }) => ["end", "reset", "expect-close", "expect-reset"].includes(kind));
    if (ending !== undefined) throw new UsageError(`Cannot play the step ${ending.kind}: datagrams have no connection`);
    this.#mock = mock;
    this.#options = options;
  }

  onDatagram({ data, from }: Datagram, socket: DatagramSocket): undefined {
    // A sender without an address cannot be answered.
    if (from === null) return;
    const name = formatEndpoint(from);
    const found = this.#peers.get(name);
    const peer = found?.peer.closeReason === undefined ? found?.peer : undefined;
    (peer ?? this.#begin(name, from, socket)).push(data);
  }

  /** Waits until every script has ended, once the mock has been stopped. */
  async ended(): Promise<void> {
    await Promise.all([...this.#peers.values()].map(({ served }) => served));
  }

  #begin(name: string, from: Endpoint, socket: DatagramSocket): DatagramPeer {
    const [oldest] = this.#peers.values();
    if (this.#peers.size >= MAX_PEERS) oldest?.peer.close("limit");
    const { log, mayAmplify } = this.#options;
    const send = async (data: Uint8Array) => {
      await socket.send(data, from);
      this.#options.onSent?.(data.length);
    };
    const peer = new DatagramPeer(from, send, { log, mayAmplify });
    const served = this.#mock.serve(peer).finally(() => {
      if (this.#peers.get(name)?.peer === peer) this.#peers.delete(name);
      this.#options.onEnd?.();
    });
    this.#peers.set(name, { peer, served });
    return peer;
  }
}

/** The datagrams of one sender, as a session of messages. */
class DatagramPeer implements ExchangeSession {
  readonly kind = "datagram";
  readonly framer = framerOf(rawCodec);
  readonly remote: Endpoint;
  readonly log: Logger;
  closeReason: CloseReason | undefined;
  readonly #send: (data: Uint8Array) => Promise<void>;
  readonly #isLimited: boolean;
  #waiting: Message[] = [];
  #wake = Promise.withResolvers<void>();
  #credit = 0;
  #sent: Promise<void> = Promise.resolve();

  constructor(
    remote: Endpoint,
    send: (data: Uint8Array) => Promise<void>,
    { log, mayAmplify }: Pick<DatagramMockOptions, "log" | "mayAmplify">,
  ) {
    this.remote = remote;
    this.log = log;
    this.#send = send;
    this.#isLimited = !mayAmplify && isHostEndpoint(remote) && !isLoopback(remote.host);
  }

  /** Adds a copy of a received datagram. */
  push(data: Uint8Array): void {
    this.#credit += data.length;
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ data: data.slice(), isText: false });
    this.#wake.resolve();
  }

  async receive(): Promise<readonly Message[] | null> {
    while (this.closeReason === undefined) {
      if (this.#waiting.length > 0) return this.#waiting.splice(0);
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
    return null;
  }

  async write(data: Uint8Array | string): Promise<void> {
    const bytes = toBytes(data);
    this.#credit -= bytes.length;
    if (this.#isLimited && this.#credit < 0) {
      const to = formatEndpoint(this.remote);
      throw new LimitError(
        `Cannot send ${bytes.length} bytes to ${to}: more than was received from it (allow with --amplify)`,
      );
    }
    await this.#send(bytes);
  }

  sendFramed(bytes: Uint8Array): boolean {
    this.#sent = this.#sent.then(() => this.write(bytes));
    return true;
  }

  async flush(): Promise<void> {
    await this.#sent;
  }

  closeWrite(): Promise<boolean> {
    this.close("done");
    return Promise.resolve(false);
  }

  close(reason: CloseReason): void {
    this.closeReason ??= reason;
    this.#wake.resolve();
  }

  reset(): boolean {
    this.close("reset");
    return false;
  }

  finish(): Promise<void> {
    this.close("done");
    return Promise.resolve();
  }
}
