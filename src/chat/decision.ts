import { ChatError } from "./chat_error.ts";
import type { ChatEvent, ModerationAction } from "./event.ts";
import { type Restriction, type RestrictionKind, Restrictions } from "./restrictions.ts";

/** What a room keeps beside its messages. */
export interface RoomState {
  readonly topic: string;
  /** Bans and mutes. */
  readonly restrictions: readonly Restriction[];
}

/** What a room is about, by someone who may say so. */
export interface TopicDecision {
  readonly action: "topic";
  /** Who decided it. */
  readonly by: string;
  readonly topic: string;
}

/** What an operator does to someone. */
export interface ModerationDecision {
  readonly action: ModerationAction;
  /** Who decided it. */
  readonly by: string;
  /** Who it is about: a name; for bans and mutes an IP address as well. */
  readonly nick: string;
  /** The very connection that is meant, where someone of that name is connected. */
  readonly target?: string | undefined;
  /** The name that one logged in with: it may be connected twice, under two names. */
  readonly login?: string | undefined;
  /** The address of that one, which a ban or a mute goes for too. */
  readonly address?: string | undefined;
  readonly reason?: string | undefined;
  /** When it ends, in milliseconds since 1970; without it, it stays. */
  readonly untilMs?: number | undefined;
}

/**
 * Something that was decided about a room. It comes back from the room's log,
 * and only then it is done: by each server of a cluster to its own members.
 */
export type Decision = TopicDecision | ModerationDecision;

const RESTRICTS: Readonly<Partial<Record<ModerationAction, RestrictionKind>>> = { ban: "ban", mute: "mute" };
const LIFTS: Readonly<Partial<Record<ModerationAction, RestrictionKind>>> = { unban: "ban", unmute: "mute" };

/** Bans and mutes of one room; one of a person with an address counts as two. */
export const MAX_RESTRICTIONS = 500;

/**
 * What a room keeps after a decision; the same object where nothing of it is kept.
 *
 * @throws {ChatError} The room has too many bans and mutes.
 */
export function decided(state: RoomState | undefined, decision: Decision): RoomState | undefined {
  const before = state ?? { topic: "", restrictions: [] };
  if (decision.action === "topic") return { ...before, topic: decision.topic };
  const { action, nick, login, address, untilMs } = decision;
  const [added, lifted] = [RESTRICTS[action], LIFTS[action]];
  if (added === undefined && lifted === undefined) return state;
  const restrictions = Restrictions.of(before.restrictions);
  const count = restrictions.size;
  for (const subject of [login ?? nick, address]) {
    if (subject === undefined) continue;
    if (added !== undefined) restrictions.add(added, subject, untilMs);
    if (lifted !== undefined) restrictions.remove(lifted, subject);
  }
  if (restrictions.size > Math.max(count, MAX_RESTRICTIONS)) {
    const message = `The room has ${MAX_RESTRICTIONS} bans and mutes, the maximum: remove one first`;
    throw new ChatError("too-many-bans", message);
  }
  return { ...before, restrictions: restrictions.list() };
}

/** How a room is told of a decision. */
export function eventOf(decision: Decision, room: string): ChatEvent {
  const { by } = decision;
  if (decision.action === "topic") return { type: "topic", room, topic: decision.topic, by };
  const { action, nick, reason, untilMs } = decision;
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  return { type: "moderation", action, room, nick, by, reason: reason || undefined, until };
}

/**
 * A room's state as it was stored. A ban or mute that cannot be read is left
 * out: the others still hold.
 *
 * @throws {TypeError} It is not the state of a room.
 */
export function readState(value: unknown): RoomState {
  if (typeof value !== "object" || value === null) throw new TypeError("not an object");
  const { topic, restrictions } = value as Readonly<Record<string, unknown>>;
  if (typeof topic !== "string" || !Array.isArray(restrictions)) throw new TypeError("no topic or no restrictions");
  return { topic, restrictions: restrictions.filter(isRestriction) };
}

function isRestriction(value: unknown): value is Restriction {
  if (typeof value !== "object" || value === null) return false;
  const { kind, subject, untilMs } = value as Readonly<Record<string, unknown>>;
  const hasTime = untilMs === undefined || typeof untilMs === "number" && !Number.isNaN(new Date(untilMs).getTime());
  return (kind === "ban" || kind === "mute") && typeof subject === "string" && hasTime;
}
