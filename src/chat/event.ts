import type { ChatErrorCode } from "./chat_error.ts";
import type { RoomMessage } from "./message.ts";

/** Someone in a room. */
export interface Person {
  readonly nick: string;
  /** May moderate the room. */
  readonly operator: boolean;
}

/** A room in a list. */
export interface RoomSummary {
  readonly room: string;
  readonly members: number;
  readonly topic: string;
}

/** What operators do to members. */
export type ModerationAction = "kick" | "ban" | "unban" | "mute" | "unmute" | "op" | "deop";

/** What a page of a list says about the rest. */
export interface Page {
  /** How many items follow. */
  readonly more?: number | undefined;
  /** If items follow, the `after` of the request for the next page. */
  readonly next?: string | undefined;
}

/** Who is in a room. */
export interface People extends Page {
  readonly members: readonly Person[];
}

/**
 * Everything a chat server tells a client. The JSON wire sends these objects as
 * they are; the text wire says them in lines.
 */
export type ChatEvent =
  | RoomMessage
  /** First of all, and again after `/mode json`. */
  | { type: "welcome"; nick: string; motd: readonly string[]; loginRequired: boolean }
  /** You are in; `seq` is the last message before the live ones. */
  | {
    type: "joined";
    room: string;
    epoch: string;
    seq: number;
    topic: string;
    resumed: boolean;
    id?: string | undefined;
  } & People
  /** You are out. */
  | { type: "left"; room: string; reason?: string | undefined; id?: string | undefined }
  /** Messages of the past, oldest first; if not all that were asked for fit, `next` is the `before` of the next request. */
  | {
    type: "history";
    room: string;
    epoch: string;
    messages: readonly RoomMessage[];
    next?: number | undefined;
    id?: string | undefined;
  }
  /** What you missed is no longer kept: live messages go on after `seq`. */
  | { type: "unrecovered"; room: string; epoch: string; seq: number; reason: string }
  | { type: "ack"; id?: string | undefined; room: string; seq: number; epoch: string; duplicate?: true | undefined }
  | { type: "join"; room: string; nick: string; operator?: true | undefined }
  | { type: "leave"; room: string; nick: string; reason?: string | undefined }
  | { type: "nick"; from: string; to: string; id?: string | undefined }
  | { type: "topic"; room: string; topic: string; by?: string | undefined; id?: string | undefined }
  | { type: "private"; from: string; to: string; text: string; at: string; id?: string | undefined }
  | {
    type: "moderation";
    action: ModerationAction;
    room: string;
    nick: string;
    by: string;
    reason?: string | undefined;
    /** When it ends (RFC 3339, UTC). */
    until?: string | undefined;
  }
  | { type: "rooms"; rooms: readonly RoomSummary[]; id?: string | undefined } & Page
  | { type: "who"; room: string; id?: string | undefined } & People
  | { type: "help"; lines: readonly string[] }
  | { type: "notice"; text: string; from?: string | undefined; id?: string | undefined }
  /** Answer with `pong`, or with any other request: who does not is disconnected. */
  | { type: "ping" }
  | { type: "mode"; mode: "text" | "json"; id?: string | undefined }
  /** A request with an `id` was served that has no other answer with it. */
  | { type: "done"; id: string }
  | { type: "error"; code: ChatErrorCode; text: string; field?: string | undefined; id?: string | undefined }
  /** The last of all. */
  | { type: "bye"; reason: string };
