import type { ChatErrorCode } from "./chat_error.ts";
import type { RoomMessage } from "./message.ts";

/** A member of a room. */
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

/** Moderation actions. */
export type ModerationAction = "kick" | "ban" | "unban" | "mute" | "unmute" | "op" | "deop";

/** Paging information of a list. */
export interface Page {
  /** Number of remaining items. */
  readonly more?: number | undefined;
  /** The `after` of the request for the next page, if any. */
  readonly next?: string | undefined;
}

/** Members of a room. */
export interface People extends Page {
  readonly members: readonly Person[];
}

/** All events from server to client. The JSON format sends these objects; the text format renders them as lines. */
export type ChatEvent =
  | RoomMessage
  /** The first event, sent again after `/mode json`. */
  | { type: "welcome"; nick: string; motd: readonly string[]; loginRequired: boolean }
  /** You have joined; `seq` is the last message before the live ones. */
  | {
    type: "joined";
    room: string;
    epoch: string;
    seq: number;
    topic: string;
    resumed: boolean;
    id?: string | undefined;
  } & People
  /** You have left. */
  | { type: "left"; room: string; reason?: string | undefined; id?: string | undefined }
  /** Older messages, oldest first; if not all fit, `next` is the `before` of the next request. */
  | {
    type: "history";
    room: string;
    epoch: string;
    messages: readonly RoomMessage[];
    next?: number | undefined;
    id?: string | undefined;
  }
  /** Missed messages are no longer kept; live messages continue after `seq`. */
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
  /** Must be answered with `pong` or any other request; otherwise the client is disconnected. */
  | { type: "ping" }
  | { type: "mode"; mode: "text" | "json"; id?: string | undefined }
  /** A request with an `id` succeeded that has no other response. */
  | { type: "done"; id: string }
  | { type: "error"; code: ChatErrorCode; text: string; field?: string | undefined; id?: string | undefined }
  /** The last event. */
  | { type: "bye"; reason: string };
