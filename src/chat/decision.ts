import { isRecord } from "../base/json.ts";
import { ChatError } from "./chat_error.ts";
import type { ChatEvent, ModerationAction } from "./event.ts";
import { type Restriction, type RestrictionKind, restrictionOf, Restrictions } from "./restrictions.ts";

/** A change of the topic. */
interface TopicDecision {
  readonly action: "topic";
  /** Who decided it. */
  readonly by: string;
  readonly topic: string;
}

/** A moderation action. */
export interface ModerationDecision {
  readonly action: ModerationAction;
  /** Who decided it. */
  readonly by: string;
  /** The subject: a name, or for bans and mutes an IP address. */
  readonly nick: string;
  /** The connection, if a member with that name is connected. */
  readonly target?: string | undefined;
  /** The login name, which may have several connections under different names. */
  readonly login?: string | undefined;
  /** The member's address, which a ban or a mute also applies to. */
  readonly address?: string | undefined;
  readonly reason?: string | undefined;
  /** Expiry in milliseconds since 1970; permanent without it. */
  readonly untilMs?: number | undefined;
}

/**
 * A decision about a room. It takes effect when it comes back from the room's log: each server of a cluster applies it
 * to its own members.
 */
export type Decision = TopicDecision | ModerationDecision;

const RESTRICTS: Readonly<Partial<Record<ModerationAction, RestrictionKind>>> = { ban: "ban", mute: "mute" };
const LIFTS: Readonly<Partial<Record<ModerationAction, RestrictionKind>>> = { unban: "ban", unmute: "mute" };

/** Maximum bans and mutes per room; one for a name with an address counts as two. */
const MAX_RESTRICTIONS = 500;

/** A part of a room's state that a decision changes. */
export type Change =
  | { readonly type: "topic"; readonly topic: string }
  | { readonly type: "restrict"; readonly restriction: Restriction }
  /** The subject is exactly the restriction's. */
  | { readonly type: "lift"; readonly kind: RestrictionKind; readonly subject: string };

/** A room's state besides its messages; each decision changes only one part. */
export class RoomState {
  topic = "";
  readonly restrictions = new Restrictions();

  /** Whether someone is banned or muted. */
  get isModerated(): boolean {
    return this.restrictions.list().length > 0;
  }

  /** Whether the state is empty. */
  get isBlank(): boolean {
    return this.topic === "" && !this.isModerated;
  }

  /**
   * Determines the change of a decision without applying it.
   *
   * @throws {ChatError} There are too many bans and mutes.
   */
  changesBy(decision: Decision): Change[] {
    if (decision.action === "topic") return [{ type: "topic", topic: decision.topic }];
    const { action, nick, login, address, untilMs } = decision;
    const [added, lifted] = [RESTRICTS[action], LIFTS[action]];
    const kind = added ?? lifted;
    if (kind === undefined) return [];
    const subjects = [login ?? nick, address].filter((subject) => subject !== undefined);
    const present = subjects.map((subject) => this.restrictions.get(kind, subject)).filter((one) => one !== undefined);
    const lifts = present.map(({ subject }): Change => ({ type: "lift", kind, subject }));
    if (added === undefined) return lifts;
    this.#checkSpace(subjects.length - present.length);
    return [
      ...lifts,
      ...subjects.map((subject): Change => ({ type: "restrict", restriction: restrictionOf(kind, subject, untilMs) })),
    ];
  }

  #checkSpace(more: number): void {
    const isFull = () => more > 0 && this.restrictions.size + more > MAX_RESTRICTIONS;
    if (isFull()) this.restrictions.dropEnded();
    if (!isFull()) return;
    throw new ChatError("too-many-bans", `There are ${MAX_RESTRICTIONS} bans and mutes, the maximum: lift one first`);
  }

  /** Applies stored changes. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === "topic") this.topic = change.topic;
      else if (change.type === "lift") this.restrictions.remove(change.kind, change.subject);
      else this.restrictions.add(change.restriction);
    }
  }
}

/** The event that reports a decision to a room. */
export function eventOf(decision: Decision, room: string): ChatEvent {
  const { by } = decision;
  if (decision.action === "topic") return { type: "topic", room, topic: decision.topic, by };
  const { action, nick, reason, untilMs } = decision;
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  return { type: "moderation", action, room, nick, by, reason: reason || undefined, until };
}

/**
 * Parses a room's state from JSON. Invalid bans and mutes are skipped; the others stay in force.
 *
 * @throws {TypeError} The value is not the state of a room.
 */
export function readState(value: unknown): RoomState {
  if (!isRecord(value)) throw new TypeError("not an object");
  const { topic, restrictions } = value;
  if (typeof topic !== "string" || !Array.isArray(restrictions)) throw new TypeError("no topic or no restrictions");
  const state = new RoomState();
  state.topic = topic;
  for (const restriction of restrictions.filter(isRestriction)) state.restrictions.add(restriction);
  state.restrictions.dropEnded();
  return state;
}

/** A room's state as JSON. */
export function writeState({ topic, restrictions }: RoomState): unknown {
  return { topic, restrictions: restrictions.list() };
}

/** Whether a value is a ban or mute with a valid date. */
export function isRestriction(value: unknown): value is Restriction {
  if (!isRecord(value)) return false;
  const { kind, subject, untilMs } = value;
  const hasTime = untilMs === undefined || typeof untilMs === "number" && !Number.isNaN(new Date(untilMs).getTime());
  return (kind === "ban" || kind === "mute") && typeof subject === "string" && hasTime;
}
