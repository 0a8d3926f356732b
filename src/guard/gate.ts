import type { CloseReason } from "../net/close_reason.ts";

/** Why a client is not let in. */
export interface Refusal {
  /** What is counted and logged. */
  readonly reason: Extract<CloseReason, "limit" | "denied">;
  /** For the client; `undefined` sends it nothing. */
  readonly text?: string | undefined;
}

/** Decides by the address of a client whether it comes in. */
export interface Gate {
  /** `undefined` lets it in, and {@linkcode leave} follows once it has left. */
  enter(address: string): Refusal | undefined;
  /** Who was let in has left. */
  leave?(address: string): void;
}

/** Every gate in turn; a client that one rejects takes no place in the others. */
export class GateChain implements Gate {
  readonly #gates: readonly Gate[];

  /** The first gate is asked first. */
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
