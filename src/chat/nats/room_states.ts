import { messageOf } from "../../base/errors.ts";
import { isRecord } from "../../base/json.ts";
import { Deadline } from "../../net/deadline.ts";
import { ChatError } from "../chat_error.ts";
import { type Decision, readState, RoomState, writeState } from "../decision.ts";
import { isOutage } from "./connect_nats.ts";
import type { NatsLink } from "./link.ts";
import { tokenOf } from "./subjects.ts";
import type { Table, TableEntry } from "./table.ts";

/** Time limit for NATS to store a decision. */
const DECIDE_WAIT_MS = 5_000;

/** A room's state in the bucket, with the decision that led to it. */
interface Entry {
  readonly state: RoomState | undefined;
  readonly decision: Decision | undefined;
  /** ID of the decision. */
  readonly id: string | undefined;
}

/** Receives the decisions about an open room. */
type OnRoomDecision = (token: string, decision: Decision) => void;

/** Topics, bans and mutes of all rooms, and decisions about them. */
export class RoomStates {
  readonly #link: NatsLink;
  readonly #table: Table;
  readonly #states = new Map<string, { revision: number; state: RoomState | undefined }>();
  #onDecision: OnRoomDecision | undefined;

  /** Empty before {@linkcode start}. */
  constructor(link: NatsLink, table: Table) {
    this.#link = link;
    this.#table = table;
  }

  /** Reads the states, then delivers the decisions of all servers in one order. */
  async start(onDecision: OnRoomDecision): Promise<void> {
    await this.#table.start({ onEntry: (entry) => this.#onEntry(entry), onLost: () => this.#onLost() });
    this.#onDecision = onDecision;
  }

  /** The state of a room. */
  of(roomKey: string): RoomState | undefined {
    return this.#states.get(tokenOf(roomKey))?.state;
  }

  /**
   * Stores a decision; resolves when it has been delivered here.
   *
   * @throws {ChatError} NATS is unreachable.
   */
  async decide(roomKey: string, decision: Decision): Promise<void> {
    const token = tokenOf(roomKey);
    const id = crypto.randomUUID();
    const deadline = new Deadline(DECIDE_WAIT_MS);
    let { revision, state } = this.#states.get(token) ?? { revision: 0, state: undefined };
    for (;;) {
      if (!await this.#link.whenReady(deadline.remainingMs)) throw notDone();
      try {
        const next = readable(state && writeState(state)) ?? new RoomState();
        next.apply(next.changesBy(decision));
        const put = await this.#table.put(token, { state: writeState(next), decision, id }, revision);
        if (put !== undefined) return await this.#table.whenDelivered(put);
        const found = await this.#table.get(token);
        const last = decode(found?.value);
        // The reply was lost, not the decision.
        if (found !== undefined && last.id === id) return await this.#table.whenDelivered(found.revision);
        // After a loss of the bucket's last values, what is known here is newer.
        if (found !== undefined && found.revision > revision) state = last.state;
        revision = found?.revision ?? 0;
      } catch (cause) {
        if (cause instanceof ChatError) throw cause;
        if (!isOutage(cause)) throw new ChatError("not-stored", `Nothing was changed: ${messageOf(cause)}`, { cause });
        if (deadline.remainingMs === 0) throw notDone(cause);
      }
    }
  }

  #onEntry({ key, revision, value }: TableEntry): void {
    const { state, decision } = decode(value);
    this.#states.set(key, { revision, state });
    if (decision !== undefined) this.#onDecision?.(key, decision);
  }

  /** Decisions stay in force locally, and are written again with the next one. */
  #onLost(): void {
    for (const [token, { state }] of this.#states) this.#states.set(token, { revision: 0, state });
  }
}

/** Only servers of the cluster write it, but an invalid value must not block the others. */
export function decode(value: unknown): Entry {
  const nothing = { state: undefined, decision: undefined, id: undefined };
  if (!isRecord(value)) return nothing;
  const { state, decision, id } = { ...nothing, ...value as Partial<Entry> };
  return { state: readable(state), decision: isReadable(decision) ? decision : undefined, id };
}

function readable(state: unknown): RoomState | undefined {
  try {
    return readState(state);
  } catch {
    // TypeError means an invalid state.
    return undefined;
  }
}

function isReadable(decision: Decision | undefined): boolean {
  const untilMs = decision !== undefined && "untilMs" in decision ? decision.untilMs : undefined;
  return untilMs === undefined || !Number.isNaN(new Date(untilMs).getTime());
}

function notDone(cause?: unknown): ChatError {
  return new ChatError("not-stored", "NATS is unreachable: nothing was changed; try again later", { cause });
}
