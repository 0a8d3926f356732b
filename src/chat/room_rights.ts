import { TokenBucket } from "../guard/token_bucket.ts";
import { ChatError } from "./chat_error.ts";
import type { ModerationDecision } from "./decision.ts";
import { keyOf } from "./names.ts";
import type { Participant } from "./participant.ts";
import { type Restriction, type RestrictionKind, type Restrictions, untilText } from "./restrictions.ts";

/** Rights of the members of a room. */
export abstract class RoomRights {
  readonly name: string;
  readonly key: string;
  readonly operators = new Set<Participant>();
  #rate: TokenBucket | undefined;

  constructor(name: string) {
    this.name = name;
    this.key = keyOf(name);
  }

  /** Active bans and mutes. */
  protected abstract get restrictions(): Restrictions;

  /**
   * Counts a message of a rate-limited member.
   *
   * @throws {ChatError} The room's rate limit is exceeded.
   */
  checkRate({ roomRate }: Participant): void {
    if (roomRate === undefined) return;
    const nowMs = performance.now();
    this.#rate ??= new TokenBucket(roomRate, nowMs);
    if (!this.#rate.tryTake(1, nowMs)) {
      throw new ChatError("too-fast", `Too many messages in ${this.name}: try again in a moment`);
    }
  }

  /** Whether the member is an operator here. */
  mayModerate(member: Participant): boolean {
    return member.isServerOperator || this.operators.has(member) || member.operatorOf.has(this.key);
  }

  /**
   * Checks that a member may moderate the room.
   *
   * @throws {ChatError} The member is not an operator.
   */
  checkOperator(member: Participant): void {
    if (!this.mayModerate(member)) {
      throw new ChatError("not-operator", `Only an operator of ${this.name} may do that`, { field: "room" });
    }
  }

  /**
   * Checks that a member is not banned.
   *
   * @throws {ChatError} It is.
   */
  checkNotBanned(member: Participant): void {
    if (this.restrictions.isEmpty || member.isServerOperator) return;
    const ban = this.restrictions.find("ban", member.subjects);
    if (ban) throw new ChatError("banned", `You are banned from ${this.name}${untilText(ban)}`, { field: "room" });
  }

  /**
   * Checks that a member is not muted.
   *
   * @throws {ChatError} It is.
   */
  checkNotMuted(member: Participant, doing: string): void {
    if (this.restrictions.isEmpty || this.mayModerate(member)) return;
    const mute = this.restrictions.find("mute", member.subjects);
    if (mute) throw new ChatError("muted", `You cannot ${doing}: you are muted in ${this.name}${untilText(mute)}`);
  }

  /** The ban or mute that applies to one of them. */
  restrictionOf(kind: RestrictionKind, subjects: readonly (string | undefined)[]): Restriction | undefined {
    return this.restrictions.find(kind, subjects);
  }

  /** Whether a ban removes a member; operators stay. */
  protected isBannedBy(member: Participant, { target }: ModerationDecision): boolean {
    const isMeant = member.id === target || this.restrictions.find("ban", member.subjects) !== undefined;
    return isMeant && !this.mayModerate(member);
  }
}
