import { type JsonEvent, JsonPeer } from "../support/chat_peer.ts";
import { dial, LinePeer } from "../support/peer.ts";

const RETRY_MS = 100;

/** A client that goes to any server, resumes, sends again what was not acknowledged, and finds every fault of order. */
export class ClusterClient implements AsyncDisposable {
  /** `seq id` of each message of the room, in the order of coming. */
  readonly heard: string[] = [];
  readonly faults: string[] = [];
  readonly #room: string;
  readonly #pick: () => string;
  readonly #running: Promise<void>;
  readonly #unacknowledged = new Map<string, PromiseWithResolvers<void>>();
  #position: { epoch: string; seq: number } | undefined;
  #peer: JsonPeer | undefined;
  #isJoined = false;
  #isOver = false;
  #wake = Promise.withResolvers<void>();

  /** `pick` gives the endpoint of a server. */
  constructor(room: string, pick: () => string) {
    this.#room = room;
    this.#pick = pick;
    this.#running = this.#run();
  }

  /** How far it is, for the report of a failure. */
  get progress(): string {
    return `${this.heard.length} heard, ${this.#unacknowledged.size} unacknowledged, joined ${this.#isJoined}`;
  }

  /** Publishes under an id until it is acknowledged. */
  async publish(id: string): Promise<void> {
    const acknowledged = Promise.withResolvers<void>();
    this.#unacknowledged.set(id, acknowledged);
    if (this.#isJoined) await this.#send(id);
    await acknowledged.promise;
  }

  /** Waits until it is in the room and has come to so many messages. */
  async hears(count: number): Promise<void> {
    while (this.#position === undefined || this.heard.length < count && this.faults.length === 0) {
      await this.#wake.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#peer?.[Symbol.dispose]();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#converse();
      } catch {
        // The server was killed: the next one is tried.
      }
      this.#isJoined = false;
      this.#peer = undefined;
      if (!this.#isOver) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #converse(): Promise<void> {
    const lines = new LinePeer(await dial(this.#pick()));
    using peer = JsonPeer.of(lines);
    // Without NATS nobody can be let into #lobby, which is no reason to wait there.
    await lines.send("/leave\n/mode json");
    await lines.until(/^\{"type":"welcome"/);
    if (this.#isOver) return;
    this.#peer = peer;
    await peer.send({ type: "join", room: this.#room, ...this.#position });
    for (;;) {
      const event = await peer.next();
      if (await this.#onEvent(event) === "again") return;
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
  }

  async #onEvent(event: JsonEvent): Promise<"again" | void> {
    switch (event.type) {
      case "joined":
        if (this.#position !== undefined && event.resumed !== true) this.faults.push("not resumed");
        this.#position ??= { epoch: String(event.epoch), seq: Number(event.seq) };
        this.#isJoined = true;
        for (const id of this.#unacknowledged.keys()) await this.#send(id);
        return;
      case "message":
        return this.#onMessage(event);
      case "unrecovered":
        return void this.faults.push(`unrecovered: ${event.reason}`);
      case "ack":
        this.#unacknowledged.get(String(event.id))?.resolve();
        return void this.#unacknowledged.delete(String(event.id));
      case "error":
        // NATS is away: whatever was asked for is asked for again.
        if (event.code === "not-stored") return "again";
        return void this.faults.push(`refused: ${event.text}`);
    }
  }

  #onMessage({ seq, prev, epoch, id, text }: JsonEvent): void {
    const { seq: last, epoch: known } = this.#position ?? { seq: 0, epoch };
    if (epoch !== known) this.faults.push(`epoch ${epoch} after ${known}`);
    if (prev !== last) this.faults.push(`message ${seq} names ${prev} as the one before, not ${last}`);
    if (Number(seq) <= last) this.faults.push(`message ${seq} after ${last}`);
    if (text !== `text of ${id}`) this.faults.push(`message ${seq} has the text ${text}`);
    this.#position = { epoch: String(epoch), seq: Number(seq) };
    this.heard.push(`${seq} ${id}`);
  }

  async #send(id: string): Promise<void> {
    // A lost connection is found where it is read.
    await this.#peer?.send({ type: "publish", room: this.#room, id, text: `text of ${id}` }).catch(() => {});
  }
}
