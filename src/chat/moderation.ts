import { isIp } from "../base/ip.ts";
import { ChatError } from "./chat_error.ts";
import type { ModerationAction } from "./event.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { checkNick } from "./names.ts";
import type { RestrictionKind } from "./restrictions.ts";
import type { Room } from "./room.ts";

/** Who does something to whom, and where. */
export interface ModerationCall {
  readonly hub: Hub;
  /** Who asks for it. */
  readonly member: Member;
  readonly room: Room;
  /** A name; for bans and mutes an IP address as well. */
  readonly subject: string;
  readonly reason?: string | undefined;
  /** How long a ban or a mute lasts; without it, until it is taken back. */
  readonly durationMs?: number | undefined;
}

/**
 * Takes a member out of a room.
 *
 * @throws {ChatError} The caller is no operator, or the subject is not there.
 */
export function kick(call: ModerationCall): void {
  checkOperator(call);
  const target = targetInRoom(call);
  tell(call, "kick", target.nick);
  remove(call, target, "kicked");
}

/**
 * Keeps a name and its address, or an address, out of a room or from speaking in it.
 *
 * @throws {ChatError} The caller is no operator.
 */
export function restrict(kind: RestrictionKind, call: ModerationCall): void {
  checkOperator(call);
  const { hub, room, subject, durationMs } = call;
  const target = hub.findMember(subject);
  if (target !== undefined) checkMayBeModerated(call, target);
  else if (!isIp(subject)) checkNick(subject);
  const untilMs = durationMs === undefined ? undefined : Date.now() + durationMs;
  room.restrict(kind, subject, untilMs);
  if (target?.address !== undefined) room.restrict(kind, target.address, untilMs);
  tell(call, kind, target?.nick ?? subject, untilMs);
  if (kind === "mute") return;
  for (const member of [...room.members]) {
    const isMeant = member === target ||
      member.address !== undefined && member.address === (target?.address ?? subject);
    if (isMeant && !room.mayModerate(member)) remove(call, member, "banned");
  }
}

/**
 * Takes back a ban or a mute.
 *
 * @throws {ChatError} The caller is no operator, or there was none.
 */
export function lift(kind: RestrictionKind, call: ModerationCall): void {
  checkOperator(call);
  const { hub, room, subject } = call;
  const address = hub.findMember(subject)?.address;
  const wasNamed = room.lift(kind, subject);
  const wasAddress = address !== undefined && room.lift(kind, address);
  if (!wasNamed && !wasAddress) {
    const what = kind === "ban" ? "banned" : "muted";
    throw new ChatError("no-such-nick", `${subject} is not ${what} in ${room.name}`, { field: "nick" });
  }
  tell(call, kind === "ban" ? "unban" : "unmute", subject);
}

/**
 * Makes a member an operator of the room, or takes that back.
 *
 * @throws {ChatError} The caller is no operator, or the subject is not there.
 */
export function setOperator(isOperator: boolean, call: ModerationCall): void {
  checkOperator(call);
  const target = targetInRoom(call);
  if (isOperator) call.room.operators.add(target);
  else call.room.operators.delete(target);
  tell(call, isOperator ? "op" : "deop", target.nick);
}

/**
 * Refuses who may not moderate the room.
 *
 * @throws {ChatError} The member is no operator of it.
 */
export function checkOperator({ room, member }: Pick<ModerationCall, "room" | "member">): void {
  if (!room.mayModerate(member)) {
    throw new ChatError("not-operator", `Only an operator of ${room.name} may do that`, { field: "room" });
  }
}

function targetInRoom(call: ModerationCall): Member {
  const target = call.hub.memberNamed(call.subject);
  if (!call.room.has(target)) {
    throw new ChatError("no-such-nick", `${target.nick} is not in ${call.room.name}`, { field: "nick" });
  }
  checkMayBeModerated(call, target);
  return target;
}

function checkMayBeModerated({ member }: ModerationCall, target: Member): void {
  if (target.isServerOperator && target !== member && !member.isServerOperator) {
    throw new ChatError("not-operator", `${target.nick} is an operator of the server`, { field: "nick" });
  }
}

function remove({ hub, room, member }: ModerationCall, target: Member, done: string): void {
  const reason = `${done} by ${member.nick}`;
  hub.part(target, room, reason);
  target.tell({ type: "left", room: room.name, reason });
}

function tell(
  { room, member, reason }: ModerationCall,
  action: ModerationAction,
  nick: string,
  untilMs?: number,
): void {
  const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
  room.tell({ type: "moderation", action, room: room.name, nick, by: member.nick, reason: reason || undefined, until });
}
