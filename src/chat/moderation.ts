import { messageOf } from "../base/errors.ts";
import { ChatError } from "./chat_error.ts";
import type { Remote } from "./directory.ts";
import type { ModerationAction } from "./event.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { checkNick } from "./names.ts";
import { isAddress, type RestrictionKind, subjectKey } from "./restrictions.ts";
import type { Room } from "./room.ts";

/** Who does something to whom, and where. */
export interface ModerationCall {
  readonly hub: Hub;
  /** Who asks for it. */
  readonly member: Member;
  readonly room: Room;
  /** A name; for bans and mutes an IP address or a range as well. */
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
export function kick(call: ModerationCall): void | Promise<void> {
  checkOperator(call);
  return decide(call, "kick", targetInRoom(call));
}

/**
 * Keeps a name and its address, or an address, out of a room or from speaking in it.
 *
 * @throws {ChatError} The caller is no operator.
 */
export function restrict(kind: RestrictionKind, call: ModerationCall): void | Promise<void> {
  checkOperator(call);
  const { hub, subject, durationMs } = call;
  const target = hub.findPerson(subject);
  if (target !== undefined) checkMayBeModerated(call, target);
  else checkSubject(subject);
  return decide(call, kind, target, durationMs === undefined ? undefined : Date.now() + durationMs);
}

/**
 * Takes back a ban or a mute.
 *
 * @throws {ChatError} The caller is no operator, or there was none.
 */
export function lift(kind: RestrictionKind, call: ModerationCall): void | Promise<void> {
  checkOperator(call);
  const { hub, room, subject } = call;
  const target = hub.findPerson(subject);
  if (target === undefined) checkSubject(subject);
  const subjects = [subject, target?.login, target?.address];
  const found = room.restrictionOf(kind, subjects);
  const what = kind === "ban" ? "banned" : "muted";
  if (found === undefined) {
    throw new ChatError("no-such-nick", `${subject} is not ${what} in ${room.name}`, { field: "nick" });
  }
  // A range is taken back whole.
  if (!subjects.some((one) => one !== undefined && subjectKey(one) === found.subject)) {
    throw new ChatError("no-such-nick", `${subject} is ${what} as part of ${found.subject}`, { field: "nick" });
  }
  return room.log.decide({
    action: kind === "ban" ? "unban" : "unmute",
    by: call.member.nick,
    nick: subject,
    login: target?.login,
    address: target?.address,
    reason: call.reason,
  });
}

/**
 * Makes a member an operator of the room, or takes that back.
 *
 * @throws {ChatError} The caller is no operator, or the subject is not there.
 */
export function setOperator(isOperator: boolean, call: ModerationCall): void | Promise<void> {
  checkOperator(call);
  return decide(call, isOperator ? "op" : "deop", targetInRoom(call));
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

function targetInRoom(call: ModerationCall): Member | Remote {
  const target = call.hub.personNamed(call.subject);
  if (!target.rooms.has(call.room.key)) {
    throw new ChatError("no-such-nick", `${target.nick} is not in ${call.room.name}`, { field: "nick" });
  }
  checkMayBeModerated(call, target);
  return target;
}

function checkSubject(subject: string): void {
  if (!isAddress(subject)) return void checkNick(subject);
  try {
    subjectKey(subject);
  } catch (cause) {
    throw new ChatError("bad-nick", messageOf(cause), { field: "nick", cause });
  }
}

function checkMayBeModerated({ member }: ModerationCall, target: Member | Remote): void {
  if (target.isServerOperator && target !== member && !member.isServerOperator) {
    throw new ChatError("not-operator", `${target.nick} is an operator of the server`, { field: "nick" });
  }
}

/** It is done when it comes back from the room's log. */
function decide(
  { room, member, subject, reason }: ModerationCall,
  action: ModerationAction,
  target: Member | Remote | undefined,
  untilMs?: number,
): void | Promise<void> {
  const { id, login, address } = target ?? {};
  const nick = target?.nick ?? subject;
  return room.log.decide({ action, by: member.nick, nick, target: id, login, address, reason, untilMs });
}
