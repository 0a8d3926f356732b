import { messageOf } from "../base/errors.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Direction, Ending, Fault, Flow } from "./faults/fault.ts";
import { type ChainSetup, FaultChain } from "./fault_chain.ts";
import type { Side } from "./side.ts";

/** Time limit for the peers to read sent data before a close. */
const LINGER_MS = 2_000;

const NOTHING_TO_DO = Promise.resolve();

/** Reasons of a close by a failed read, which the pump reports itself. */
const SEEN_BY_READING: ReadonlySet<CloseReason> = new Set(["reset", "error", "bad message"]);

/** Options of {@linkcode RelayedConnection}. */
interface RelayedConnectionInit {
  readonly client: Side;
  readonly server: Side;
  readonly faults: readonly Fault[];
  readonly chains: Omit<ChainSetup, "direction" | "isMessages">;
  /** Called with all forwarded data. */
  readonly tap?: Tap | undefined;
}

/** Observes forwarded data. */
export interface Tap {
  /** Bytes or a message from one side, valid during the call. */
  data(from: "client" | "server", bytes: Uint8Array, isText: boolean): void;
  /** The side has ended. */
  end(from: "client" | "server"): void;
  /** The connection has ended. */
  close(): void;
}

/** One direction: source, faults and sink. */
interface Way {
  readonly chain: FaultChain;
  readonly target: Side;
  /** The last input, until it has been forwarded. */
  passing: Promise<void>;
  /** The input has ended. */
  isClosedToInput: boolean;
  /** Its end has been forwarded. */
  isEnded: boolean;
  /** The source has ended or failed. */
  isSourceDone: boolean;
}

/**
 * A client's connection joined with one to the target. Each end is forwarded unchanged: a half-close as a half-close, a
 * reset as a reset, a Close frame as a Close frame.
 */
export class RelayedConnection {
  readonly client: Side;
  readonly server: Side;
  readonly #toServer: Way;
  readonly #toClient: Way;
  readonly #tap: Tap | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;
  /** Both directions are ending normally; nothing more is forwarded. */
  #isClosing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes ownership of both connections; forwards nothing before {@linkcode run}. */
  constructor({ client, server, faults, chains, tap }: RelayedConnectionInit) {
    this.client = client;
    this.server = server;
    this.#tap = tap;
    const way = (direction: Direction, from: Side, target: Side): Way => ({
      chain: new FaultChain(this.#exit(direction, target), { ...chains, direction, isMessages: from.isMessages }),
      target,
      passing: NOTHING_TO_DO,
      isClosedToInput: false,
      isEnded: false,
      isSourceDone: false,
    });
    this.#toServer = way("to-server", client, server);
    this.#toClient = way("to-client", server, client);
    this.update(faults);
  }

  /** Names of the active faults by direction. */
  get faultNames(): Record<Direction, string[]> {
    return { "to-server": this.#toServer.chain.faultNames, "to-client": this.#toClient.chain.faultNames };
  }

  /** Replaces the faults. */
  update(faults: readonly Fault[]): void {
    this.#toServer.chain.update(faults);
    this.#toClient.chain.update(faults);
  }

  /** Forwards until both directions have ended; does not reject. */
  async run(): Promise<void> {
    const pumps = [this.#pump(this.client, this.#toServer), this.#pump(this.server, this.#toClient)];
    for (const { connection } of [this.client, this.server]) void connection.closed.then((reason) => this.#cut(reason));
    await this.#over.promise;
    await Promise.all(pumps);
    this.#tap?.close();
  }

  /** Called at shutdown: half-closes the connection to the target, whose remaining replies are forwarded. */
  drain(): void {
    const way = this.#toServer;
    if (way.isClosedToInput) return;
    way.isClosedToInput = true;
    way.passing.then(() => way.chain.head.end({ how: "end" })).catch(ignore);
  }

  /** Closes both connections immediately. */
  close(reason: CloseReason): void {
    // Even if the sides are about to end normally.
    for (const side of [this.client, this.server]) side.abort(reason);
    this.#finish(reason);
  }

  async #pump(source: Side, way: Way): Promise<void> {
    const entry: Flow = {
      data: (bytes, isText) => way.isClosedToInput ? NOTHING_TO_DO : way.passing = way.chain.head.data(bytes, isText),
      end: (ending) => way.chain.head.end(ending),
    };
    try {
      const ending = await source.pump(entry);
      way.isSourceDone = true;
      if (this.#isClosing) return this.#finishIfRead();
      const isTold = way.isClosedToInput && ending.how === "end";
      way.isClosedToInput = true;
      if (!isTold) await entry.end(ending);
      // A WebSocket ends both directions: the other side has limited time for remaining data.
      if (source.isMessages && !this.#isOver) this.#limitTime();
    } catch (error) {
      way.isSourceDone = true;
      this.#onSendFailed(way, error);
    }
  }

  /** The sink of a direction. */
  #exit(direction: Direction, target: Side): Flow {
    const from = direction === "to-server" ? "client" : "server";
    const tap = this.#tap;
    return {
      data: (bytes, isText) => {
        if (this.#isOver || this.#isClosing) return NOTHING_TO_DO;
        tap?.data(from, bytes, isText);
        return target.send(bytes, isText);
      },
      end: (ending) => {
        tap?.end(from);
        return this.#end(direction, ending);
      },
    };
  }

  async #end(direction: Direction, ending: Ending): Promise<void> {
    if (this.#isOver || this.#isClosing) return;
    if (ending.how === "reset") return this.#finish("reset");
    const way = direction === "to-server" ? this.#toServer : this.#toClient;
    const other = direction === "to-server" ? this.#toClient : this.#toServer;
    way.isEnded = true;
    way.isClosedToInput = true;
    try {
      if (ending.how === "close") await this.#closeBoth(ending, way, other);
      else await way.target.endWrite(ending);
    } catch (error) {
      this.#onSendFailed(way, error);
    }
    if (this.#toServer.isEnded && this.#toClient.isEnded && !this.#isClosing) this.#finish("done");
  }

  /** For a side that a limit or the drain has closed: its pump does not notice while a fault holds its data. */
  #cut(reason: CloseReason): void {
    if (this.#isOver || this.#isClosing || SEEN_BY_READING.has(reason)) return;
    void this.#closeBoth({ how: "close" }, this.#toServer, this.#toClient);
  }

  /** Ends both sides normally and continues to read, so that no reset destroys sent data. */
  async #closeBoth(ending: Ending, way: Way, other: Way): Promise<void> {
    this.#isClosing = true;
    way.isClosedToInput = other.isClosedToInput = true;
    way.chain.dispose();
    other.chain.dispose();
    this.#limitTime();
    await Promise.allSettled([way.target.endWrite(ending), other.target.endWrite(ending)]);
    this.#finishIfRead();
  }

  #finishIfRead(): void {
    if (this.#toServer.isSourceDone && this.#toClient.isSourceDone) this.#finish("done");
  }

  #limitTime(): void {
    this.#timer ??= setTimeout(() => this.#finish("done"), LINGER_MS);
  }

  /** Data that the target has sent can still be read; its own end follows. */
  #onSendFailed({ target }: Way, error: unknown): void {
    if (this.#isOver) return;
    target.connection.log.debug("the peer takes nothing more", { error: messageOf(error) });
    const back = target === this.server ? this.#toClient : this.#toServer;
    if (back.isSourceDone) this.#finish("reset");
  }

  #finish(reason: CloseReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#toServer.chain.dispose();
    this.#toClient.chain.dispose();
    const sides = [this.client, this.server];
    if (reason === "reset") {
      for (const { connection } of sides) connection.reset();
      this.#over.resolve();
    } else void Promise.all(sides.map((side) => side.close(reason))).then(() => this.#over.resolve());
  }
}

function ignore(): void {}
