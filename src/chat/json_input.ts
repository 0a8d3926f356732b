import { ChatError } from "./chat_error.ts";
import { checkLine } from "./clean_text.ts";
import type { Hub } from "./hub.ts";
import type { InputResult } from "./commands/command.ts";
import { type Input, textOf } from "./input.ts";
import { type JsonRequest, parseRequest, RequestError } from "./json_request.ts";
import { login } from "./login.ts";
import type { Member } from "./member.ts";
import {
  banFromServer,
  disconnect,
  kick,
  lift,
  restrict,
  type ServerCall,
  setIgnored,
  setOperator,
  unbanFromServer,
} from "./moderation.ts";
import { claimKey } from "./operator_claims.ts";
import type { Room } from "./room.ts";
import { textFormat } from "./event_format.ts";

/** Requests allowed before a required login. */
const OPEN: ReadonlySet<unknown> = new Set<JsonRequest["type"]>(["login", "mode", "pong", "quit"]);

/** Requests whose response has no `id`, because others receive it too, or because there is none. */
const ANSWERED_BY_DONE: ReadonlySet<JsonRequest["type"]> = new Set(
  ["login", "topic", "kick", "ban", "unban", "mute", "unmute", "op", "deop", "announce", "pong"] as const,
);

/**
 * Handles a message of the JSON format.
 *
 * @throws {ChatError} The request is rejected.
 */
export function handleJson(hub: Hub, member: Member, input: Input): InputResult {
  const text = textOf(input);
  if (text === undefined) throw new ChatError("not-text", "That message is not UTF-8");
  // Blank lines between objects are ignored.
  if (text.trim() === "") return;
  const request = parseRequest(input.json, member.isAdmitted ? undefined : OPEN);
  try {
    const result = serve(hub, member, request);
    const { id } = request;
    if (id !== undefined && isAnsweredByDone(request)) {
      // Deferred, so that it follows the room's event.
      return Promise.resolve(result).then(
        () => member.deliver({ type: "done", id }),
        (error) => rethrow(error, request),
      );
    }
    return result instanceof Promise ? result.catch((error: unknown) => rethrow(error, request)) : result;
  } catch (error) {
    return rethrow(error, request);
  }
}

function isAnsweredByDone(request: JsonRequest): boolean {
  return ANSWERED_BY_DONE.has(request.type) && !(request.type === "topic" && request.topic === undefined);
}

function serve(hub: Hub, member: Member, request: JsonRequest): InputResult {
  const { type, id } = request;
  switch (type) {
    case "publish":
      return publish(hub, member, request);
    case "private":
      return hub.sayPrivately(member, request.to, request.text, id);
    case "join":
      return join(hub, member, request);
    case "leave": {
      const room = hub.roomOf(member, request.room);
      hub.part(member, room);
      return member.deliver({ type: "left", room: room.name, id });
    }
    case "nick":
      return hub.renaming.rename(member, request.nick, id);
    case "login":
      return login(hub, member, request.name, request.password);
    case "rooms":
      return member.answer({ type: "rooms", ...hub.rooms(member.format.maxRooms, request.after), id });
    case "who": {
      const room = hub.roomOf(member, request.room);
      return member.answer({
        type: "who",
        room: room.name,
        ...room.people(member.format.maxPeople, request.after),
        id,
      });
    }
    case "topic":
      return topic(member, hub.roomOf(member, request.room), request.topic, id);
    case "history":
      return history(member, hub.roomOf(member, request.room), request);
    case "ignore":
    case "unignore":
      return setIgnored(type === "ignore", { hub, member, subject: request.nick, id });
    case "server-kick":
      return disconnect(serverCall(hub, member, request));
    case "server-ban":
      return banFromServer(serverCall(hub, member, request));
    case "server-unban":
      return unbanFromServer(serverCall(hub, member, request));
    case "announce":
      return hub.announce(member, request.text);
    case "mode":
      member.deliver({ type: "mode", mode: request.mode, id });
      return request.mode === "text" ? hub.setFormat(member, textFormat) : undefined;
    case "pong":
      // Any request counts as a pong.
      return;
    case "quit":
      member.deliver({ type: "bye", reason: "you left" });
      return "quit";
    default:
      return moderate(hub, member, request);
  }
}

function publish(hub: Hub, member: Member, request: JsonRequest & { type: "publish" }): void {
  const { type: _type, room: name, ...what } = request;
  const room = hub.roomOf(member, name);
  hub.say(member, room, what, ({ seq, epoch, isDuplicate }) => {
    member.deliver({ type: "ack", id: what.id, room: room.name, seq, epoch, duplicate: isDuplicate || undefined });
  });
}

function join(hub: Hub, member: Member, request: JsonRequest & { type: "join" }): Promise<void> {
  const { room, epoch, seq, id, claim } = request;
  if ((epoch === undefined) !== (seq === undefined)) {
    const field = epoch === undefined ? "epoch" : "seq";
    throw new ChatError("bad-request", `${field}: To resume, both epoch and seq are needed`, { field });
  }
  if (claim !== undefined) member.claim = claimKey(claim);
  return hub.join(member, room, {
    ...(epoch === undefined || seq === undefined ? {} : { position: { epoch, seq } }),
    ...(id === undefined ? {} : { id }),
  });
}

function topic(member: Member, room: Room, text: string | undefined, id: string | undefined): InputResult {
  if (text === undefined) return member.deliver({ type: "topic", room: room.name, topic: room.topic, id });
  room.checkOperator(member);
  return room.decide({ action: "topic", by: member.nick, topic: checkLine("topic", text) });
}

async function history(member: Member, room: Room, request: JsonRequest & { type: "history" }): Promise<void> {
  await member.answer({ ...await room.history(request.count ?? 50, request.before), id: request.id });
}

type ServerRequest = JsonRequest & { type: "server-kick" | "server-ban" | "server-unban" };

function serverCall(hub: Hub, member: Member, request: ServerRequest): ServerCall {
  return { hub, member, subject: request.nick, id: request.id, ...termsOf(request) };
}

/** Reason and duration. */
function termsOf(request: ModerationRequest | ServerRequest): Pick<ServerCall, "reason" | "durationMs"> {
  return {
    reason: "reason" in request && request.reason ? checkLine("reason", request.reason) : undefined,
    durationMs: "time" in request ? request.time : undefined,
  };
}

type ModerationRequest = JsonRequest & { type: "kick" | "ban" | "unban" | "mute" | "unmute" | "op" | "deop" };

function moderate(hub: Hub, member: Member, request: ModerationRequest): InputResult {
  const call = {
    hub,
    member,
    room: hub.roomOf(member, request.room),
    subject: request.nick,
    ...termsOf(request),
  };
  switch (request.type) {
    case "kick":
      return kick(call);
    case "ban":
    case "mute":
      return restrict(request.type, call);
    case "unban":
      return lift("ban", call);
    case "unmute":
      return lift("mute", call);
    case "op":
    case "deop":
      return setOperator(request.type === "op", call);
  }
}

/** Adds the id of the request to its error. */
function rethrow(error: unknown, { type, id }: JsonRequest): never {
  if (!(error instanceof ChatError) || error instanceof RequestError) throw error;
  // The recipient of a private message is in a differently named field.
  const field = type === "private" && error.field === "nick" ? "to" : error.field;
  throw new RequestError(error.message, field, id, error.code);
}
