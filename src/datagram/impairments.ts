import { type ImpairedFlow, type Impairment, type ImpairmentCounts, noCounts } from "./impairment.ts";

/** Maximum senders whose flows {@linkcode Impairments.flowOf} remembers. */
const MAX_SENDERS = 10_000;

/** The path of one client's datagrams. */
export type DatagramFlow = Pick<ImpairedFlow, "pass">;

/** Several impairments of one direction, in sequence. */
export class Impairments {
  readonly #steps: readonly Impairment[];
  readonly #senders = new Map<string, DatagramFlow>();
  #senderCount = 0;
  #passed = 0;

  /** Takes ownership of the impairments. */
  constructor(steps: readonly Impairment[]) {
    this.#steps = steps;
  }

  /** Effects so far; each impairment counts its own effects. */
  get counts(): ImpairmentCounts {
    const sum = noCounts();
    for (const { counts } of this.#steps) {
      for (const fate of Object.keys(counts) as (keyof ImpairmentCounts)[]) sum[fate] += counts[fate];
    }
    return { ...sum, passed: this.#passed };
  }

  /** The datagrams of the client with this number, from 1. */
  flow(client: number): DatagramFlow {
    const flows = this.#steps.filter((step) => step.appliesTo(client)).map((step) => step.flow(client));
    const pass = (at: number, data: Uint8Array, deliver: (data: Uint8Array) => void): void => {
      const flow = flows[at];
      if (flow !== undefined) return flow.pass(data, (bytes) => pass(at + 1, bytes, deliver));
      this.#passed++;
      // If no impairment applied, the bytes are still those of the caller.
      deliver(at === 0 ? data.slice() : data);
    };
    return { pass: (data, deliver) => pass(0, data, deliver) };
  }

  /** The flow of a sender; senders are numbered in the order of their first datagram. */
  flowOf(sender: string): DatagramFlow {
    let flow = this.#senders.get(sender);
    if (flow === undefined) {
      flow = this.flow(++this.#senderCount);
      const oldest = this.#senders.keys().next().value;
      if (this.#senders.size >= MAX_SENDERS && oldest !== undefined) this.#senders.delete(oldest);
      this.#senders.set(sender, flow);
    }
    return flow;
  }

  /** The counts as fields of a log line. */
  toFields(prefix = ""): Record<string, number> {
    const counts = Object.entries(this.counts).filter(([, count]) => count > 0);
    return Object.fromEntries(counts.map(([name, count]) => [`${prefix}impairment_${name}`, count]));
  }

  /** Settles when everything that waits has been delivered. */
  async whenIdle(): Promise<void> {
    // In order: datagrams that leave one impairment may wait in the next.
    for (const step of this.#steps) await step.whenIdle();
  }

  /** Discards and counts the waiting datagrams. */
  [Symbol.dispose](): void {
    for (const step of this.#steps) step[Symbol.dispose]();
  }
}
