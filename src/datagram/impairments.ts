import { type ImpairedFlow, type Impairment, type ImpairmentCounts, noCounts } from "./impairment.ts";

/** Maximum senders whose flows {@linkcode Impairments.flowOf} remembers. */
const MAX_SENDERS = 10_000;

/** Where the datagrams of one client go through. */
export type DatagramFlow = Pick<ImpairedFlow, "pass">;

/** Several impairments of one direction, one after the other. */
export class Impairments {
  readonly #steps: readonly Impairment[];
  readonly #senders = new Map<string, DatagramFlow>();
  #senderCount = 0;
  #passed = 0;

  /** Takes over the impairments. */
  constructor(steps: readonly Impairment[]) {
    this.#steps = steps;
  }

  /** Datagrams so far, by fate; what several impairments did to one counts for each. */
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
      // Where nothing applied the bytes are still the caller's.
      deliver(at === 0 ? data.slice() : data);
    };
    return { pass: (data, deliver) => pass(0, data, deliver) };
  }

  /** The datagrams of a sender; senders are numbered as they are first seen. */
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
    // In order: what leaves one may wait in the next.
    for (const step of this.#steps) await step.whenIdle();
  }

  /** Discards what waits, and counts it. */
  [Symbol.dispose](): void {
    for (const step of this.#steps) step[Symbol.dispose]();
  }
}
