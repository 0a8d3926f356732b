import type { CloseReason } from "../net/close_reason.ts";

/** The rejection of a client. */
export interface Refusal {
  /** Reason for metrics and logs. */
  readonly reason: Extract<CloseReason, "limit" | "denied">;
  /** Text for the client; `undefined` sends nothing. */
  readonly text?: string | undefined;
}

/** Decides by a client's address whether it is admitted. */
export interface Gate {
  /** Returns `undefined` to admit the client; {@linkcode leave} is then called when it disconnects. */
  enter(address: string): Refusal | undefined;
  /** An admitted client has disconnected. */
  leave?(address: string): void;
}

/** Checks all gates in order; a rejected client does not count in the others. */
export class GateChain implements Gate {
  readonly #gates: readonly Gate[];

  constructor(gates: readonly Gate[]) {
    this.#gates = gates;
  }

  enter(address: string): Refusal | undefined {
    for (const [index, gate] of this.#gates.entries()) {
      const refusal = gate.enter(address);
      if (refusal === undefined) continue;
      for (const passed of this.#gates.slice(0, index)) passed.leave?.(address);
      return refusal;
    }
    return undefined;
  }

  leave(address: string): void {
    for (const gate of this.#gates) gate.leave?.(address);
  }
}
