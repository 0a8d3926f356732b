import { messageOf } from "../base/errors.ts";
import { ChatError } from "./chat_error.ts";
import { cleanText } from "./clean_text.ts";
import type { ModerationDecision } from "./decision.ts";
import type { Remote } from "./directory.ts";
import type { ModerationAction } from "./event.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { checkNick } from "./names.ts";
import { nickKey } from "./nick_key.ts";
import { isAddress, type RestrictionKind, restrictionOf, Restrictions, subjectKey } from "./restrictions.ts";
import type { Room } from "./room.ts";

/** A request to moderate: by whom, about whom and where. */
export interface ModerationCall {
  readonly hub: Hub;
  /** The caller. */
  readonly member: Member;
  readonly room: Room;
  /** A name, or for bans and mutes an IP address or range. */
  readonly subject: string;
  readonly reason?: string | undefined;
  /** Duration of a ban or a mute; permanent without it. */
  readonly durationMs?: number | undefined;
}

/**
 * Removes a member from a room.
 *
 * @throws {ChatError} The caller is not an operator, or the subject does not exist.
 */
export function kick(call: ModerationCall): void | Promise<void> {
  call.room.checkOperator(call.member);
  return decide(call, "kick", targetInRoom(call));
}

/**
 * Bans or mutes a name and its address, or an address, in a room.
 *
 * @throws {ChatError} The caller is not an operator.
 */
export function restrict(kind: RestrictionKind, call: ModerationCall): void | Promise<void> {
  call.room.checkOperator(call.member);
  const { hub, subject, durationMs } = call;
  const target = hub.findPerson(subject);
  if (target !== undefined) checkMayBeModerated(call, target);
  else checkSubject(subject);
  return decide(call, kind, target, durationMs === undefined ? undefined : Date.now() + durationMs);
}

/**
 * Lifts a ban or a mute.
 *
 * @throws {ChatError} The caller is not an operator, or there is no such ban or mute.
 */
export function lift(kind: RestrictionKind, call: ModerationCall): void | Promise<void> {
  call.room.checkOperator(call.member);
  const { hub, room, subject } = call;
  const target = hub.findPerson(subject);
  if (target === undefined) checkSubject(subject);
  const subjects = [subject, target?.login, target?.address];
  const found = room.restrictionOf(kind, subjects);
  const what = kind === "ban" ? "banned" : "muted";
  if (found === undefined) {
    throw new ChatError("no-such-nick", `${subject} is not ${what} in ${room.name}`, { field: "nick" });
  }
  // A range can only be lifted as a whole.
  if (!subjects.some((one) => one !== undefined && isSame(found.subject, one))) {
    throw new ChatError("no-such-nick", `${subject} is ${what} as part of ${found.subject}`, { field: "nick" });
  }
  return room.decide({
    action: kind === "ban" ? "unban" : "unmute",
    by: call.member.nick,
    nick: subject,
    login: target?.login,
    address: target?.address,
    reason: call.reason,
  });
}

/**
 * Grants or revokes a member's operator rights in the room.
 *
 * @throws {ChatError} The caller is not an operator, or the subject does not exist.
 */
export function setOperator(isOperator: boolean, call: ModerationCall): void | Promise<void> {
  call.room.checkOperator(call.member);
  return decide(call, isOperator ? "op" : "deop", targetInRoom(call));
}

/** A request to moderate the whole server. */
export type ServerCall = Omit<ModerationCall, "room"> & { readonly id?: string | undefined };

/**
 * Disconnects a member, on any server of the cluster.
 *
 * @throws {ChatError} The caller is not a server operator, or the subject does not exist.
 */
export async function disconnect(call: ServerCall): Promise<void> {
  checkServerOperator(call);
  const target = call.hub.personNamed(call.subject);
  checkMayBeModerated(call, target);
  await decideOnServer(call, { action: "kick", target: target.id, nick: target.nick }, "disconnected");
}

/**
 * Bans a name and its address, or an address, from the whole server.
 *
 * @throws {ChatError} The caller is not a server operator.
 */
export async function banFromServer(call: ServerCall): Promise<void> {
  checkServerOperator(call);
  const { hub, subject, durationMs } = call;
  const target = hub.findPerson(subject);
  if (target?.isServerOperator) throw new ChatError("not-operator", `${target.nick} is an operator of the server`);
  if (target === undefined) {
    checkSubject(subject);
    if (covers(subject, call.member)) throw new ChatError("bad-request", "That would ban you too", { field: "nick" });
  }
  const { id, login, nick = subject } = target ?? {};
  // Members that share the operator's address are banned by name only, so that the operator can reconnect.
  const address = target?.address !== undefined && covers(target.address, call.member) ? undefined : target?.address;
  const untilMs = durationMs === undefined ? undefined : Date.now() + durationMs;
  await decideOnServer(call, { action: "ban", target: id, nick, login, address, untilMs }, "banned from the server");
}

/**
 * Lifts a server ban.
 *
 * @throws {ChatError} The caller is not a server operator, or there is no such ban.
 */
export async function unbanFromServer(call: ServerCall): Promise<void> {
  checkServerOperator(call);
  const { hub, subject } = call;
  checkSubject(subject);
  if (!isSame(hub.serverBans.find([subject])?.subject, subject)) {
    throw new ChatError("no-such-nick", `${subject} is not banned from the server`, { field: "nick" });
  }
  await decideOnServer(call, { action: "unban", nick: subject }, "no longer banned from the server");
}

function covers(subject: string, { subjects }: Member): boolean {
  const restrictions = new Restrictions();
  restrictions.add(restrictionOf("ban", subject));
  return restrictions.find("ban", subjects) !== undefined;
}

function isSame(banned: string | undefined, subject: string): boolean {
  return banned !== undefined && subjectKey(banned) === subjectKey(subject);
}

async function decideOnServer(
  { hub, member, reason, id }: ServerCall,
  decision: Omit<ModerationDecision, "by" | "reason">,
  done: string,
): Promise<void> {
  const whole = { ...decision, by: member.nick, reason };
  await hub.serverBans.decide(whole);
  hub.log.info("moderation of the server", whole);
  member.deliver({ type: "notice", text: `${decision.nick} is ${done}`, id });
}

function checkServerOperator({ member }: ServerCall): void {
  if (!member.isServerOperator) throw new ChatError("not-operator", "Only an operator of the server may do that");
}

/** Maximum number of ignored members. */
const MAX_IGNORED = 100;

/**
 * Ignores or stops ignoring the private messages of another member, who is not notified.
 *
 * @throws {ChatError} The member ignores too many others, or not this one.
 */
export function setIgnored(isIgnored: boolean, call: ServerCall): void {
  const { hub, member, subject, id } = call;
  const target = isIgnored ? hub.personNamed(subject) : hub.findPerson(subject);
  const keys = [target?.id, nickKey(target?.login ?? target?.nick ?? subject)].filter((key) => key !== undefined);
  if (isIgnored) {
    // Two keys each: the name, and the connection under any name.
    if (member.ignored.size >= 2 * MAX_IGNORED) {
      throw new ChatError("bad-request", `You ignore ${MAX_IGNORED} people, the maximum: /unignore one first`);
    }
    for (const key of keys) member.ignored.add(key);
  } else if (keys.filter((key) => member.ignored.delete(key)).length === 0) {
    throw new ChatError("no-such-nick", `You do not ignore ${cleanText(subject).slice(0, 64)}`, { field: "nick" });
  }
  member.deliver({
    type: "notice",
    text: `You ${isIgnored ? "ignore" : "no longer ignore"} ${target?.nick ?? subject}`,
    id,
  });
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

function checkMayBeModerated({ member }: Pick<ModerationCall, "member">, target: Member | Remote): void {
  if (target.isServerOperator && target !== member && !member.isServerOperator) {
    throw new ChatError("not-operator", `${target.nick} is an operator of the server`, { field: "nick" });
  }
}

/** Takes effect when it comes back from the room's log. */
function decide(
  { room, member, subject, reason }: ModerationCall,
  action: ModerationAction,
  target: Member | Remote | undefined,
  untilMs?: number,
): void | Promise<void> {
  const { id, login, address } = target ?? {};
  const nick = target?.nick ?? subject;
  return room.decide({ action, by: member.nick, nick, target: id, login, address, reason, untilMs });
}
