import { seededDraw, seededRandom } from "../base/random.ts";
import type { Clock } from "./faults/clock.ts";
import { type Direction, type Ending, type Fault, type Flow, REMOVED, type Stage } from "./faults/fault.ts";

/** The context of the faults of a direction. */
export interface ChainSetup {
  readonly seed: number;
  /** The connection's number, from 1. */
  readonly connection: number;
  readonly direction: Direction;
  /** Whether the data is WebSocket messages. */
  readonly isMessages: boolean;
  readonly clock: Clock;
}

/** An active fault and its state. */
interface Link {
  readonly fault: Fault;
  readonly stage: Stage;
  readonly removal: AbortController;
  /** Bytes received by it. */
  bytes: number;
  /** Pending calls. */
  active: number;
}

/** The chain of faults of one direction of a connection. It can be changed while data flows. */
export class FaultChain {
  readonly #setup: ChainSetup;
  readonly #sink: Flow;
  #links: Link[] = [];

  /** The output goes to `sink`. */
  constructor(sink: Flow, setup: ChainSetup) {
    this.#sink = sink;
    this.#setup = setup;
  }

  /** The input of the chain. */
  get head(): Flow {
    return this.#links.length === 0 ? this.#sink : this.#following(-1);
  }

  /** Names of the active faults. */
  get faultNames(): string[] {
    return this.#links.filter(({ removal }) => !removal.signal.aborted).map(({ fault }) => fault.name);
  }

  /**
   * Replaces the faults. An unchanged fault continues; a changed one, identified by its name, keeps its byte count; a
   * removed one passes on what it holds.
   */
  update(faults: readonly Fault[]): void {
    const old = this.#links;
    if (faults.length === 0 && old.length === 0) return;
    const applied = faults.filter((fault) => fault.type.stage !== undefined && appliesTo(fault, this.#setup));
    const links = applied.map((fault) =>
      old.find((link) => link.fault === fault && !link.removal.signal.aborted) ?? this.#start(fault, old)
    );
    for (const [index, link] of old.entries()) {
      if (links.includes(link)) continue;
      link.removal.abort(links.some(({ fault }) => fault.name === link.fault.name) ? undefined : REMOVED);
      // Held data goes through the faults after it, but not through its replacement.
      const before = old.slice(0, index).findLast((other) => links.includes(other));
      let at = before === undefined ? 0 : links.indexOf(before) + 1;
      if (links[at]?.fault.name === link.fault.name) at++;
      links.splice(at, 0, link);
    }
    this.#links = links;
    this.#prune();
  }

  /** The connection has ended: releases all waits. */
  dispose(): void {
    for (const { removal } of this.#links) removal.abort();
  }

  #start(fault: Fault, old: readonly Link[]): Link {
    const { seed, connection, direction, isMessages, clock } = this.#setup;
    const removal = new AbortController();
    const path = [connection, direction === "to-client" ? 1 : 0, nameHash(fault.name)];
    const before = old.find((link) => link.fault.name === fault.name);
    const next: Flow = {
      data: (bytes, isText) => this.#after(link).data(bytes, isText),
      end: (ending) => this.#after(link).end(ending),
    };
    const stage = fault.type.stage?.(fault.attributes, {
      next,
      random: seededRandom(seed, ...path),
      draw: seededDraw(seed, ...path),
      isMessages,
      offset: before?.bytes ?? 0,
      clock,
      removed: removal.signal,
    }) ?? next;
    const link: Link = { fault, stage, removal, bytes: before?.bytes ?? 0, active: 0 };
    return link;
  }

  #after(link: Link): Flow {
    const index = this.#links.indexOf(link);
    // It was removed while a call was pending; its output goes directly to the sink.
    return index === -1 ? this.#sink : this.#following(index);
  }

  /** The input of the first link after an index that is active or still holds data. */
  #following(index: number): Flow {
    for (let at = index + 1; at < this.#links.length; at++) {
      const link = this.#links[at];
      if (link !== undefined && !isSpent(link)) return this.#into(link);
    }
    return this.#sink;
  }

  #into(link: Link): Flow {
    return {
      data: (bytes, isText) => {
        link.bytes += bytes.length;
        return this.#track(link, link.stage.data(bytes, isText));
      },
      end: (ending: Ending) => this.#track(link, link.stage.end(ending)),
    };
  }

  async #track(link: Link, work: Promise<void>): Promise<void> {
    link.active++;
    try {
      await work;
    } finally {
      link.active--;
      if (link.removal.signal.aborted) this.#prune();
    }
  }

  #prune(): void {
    if (this.#links.some(isSpent)) this.#links = this.#links.filter((link) => !isSpent(link));
  }
}

/** Whether a fault applies to a connection in a direction. */
export function appliesTo(
  { direction, name, share, only, type }: Fault,
  setup: Pick<ChainSetup, "seed" | "connection"> & Partial<ChainSetup>,
): boolean {
  const { seed, connection } = setup;
  if (direction !== undefined && setup.direction !== undefined && direction !== setup.direction) return false;
  if (type.isForMessages && setup.isMessages === false) return false;
  if (only !== undefined && !only.some(([first, last]) => connection >= first && connection <= last)) return false;
  // One draw for both directions, so that a share selects whole connections.
  return share >= 1 || seededRandom(seed, connection, 2, nameHash(name))() < share;
}

function isSpent({ removal, active, stage }: Link): boolean {
  return removal.signal.aborted && active === 0 && !stage.isHolding;
}

/** Gives each fault its own randomness: FNV-1a (Fowler, Noll, Vo) of its name. */
export function nameHash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}
