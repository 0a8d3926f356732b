/**
 * Types of the page's scripts, which are plain JavaScript checked by `deno task check`.
 *
 * @module
 */

import type { ChatEvent, People, Person } from "../event.ts";

/** The events of one type. */
export type EventOf<Type extends ChatEvent["type"]> = Extract<ChatEvent, { type: Type }>;

/** Rooms of the server, or a page of them. */
export type Directory = Pick<EventOf<"rooms">, "rooms" | "more" | "next">;

/** Sent when a room is joined. */
export type Joined = EventOf<"joined">;

/** A rejection. */
export type Refusal = Pick<EventOf<"error">, "code" | "text" | "field" | "id">;

/** Position of an entry: after everything in `epoch` up to `seq`. */
interface Place {
  /** Index of the epoch, from 0. */
  readonly epoch: number;
  readonly seq: number;
}

/** A sent or pending message. */
export interface MessageEntry extends Place {
  readonly kind: "message";
  readonly key: string;
  readonly id: string | undefined;
  readonly from: string;
  readonly text: string;
  /** RFC 3339. */
  readonly at: string;
  readonly action: true | undefined;
  readonly isOwn: boolean;
  /** Pending, acknowledged, delivered, or rejected. */
  readonly state: "sending" | "stored" | "sent" | "failed";
  /** Reason and code of a rejection. */
  readonly why?: string;
  readonly code?: string | undefined;
}

/** Style of a note: an event, a join or leave, a gap, or a response of the page. */
export type NoteStyle = "note" | "presence" | "gap" | "help";

/** A note of the page. */
export interface NoteEntry extends Place {
  readonly kind: "note";
  readonly key: string;
  readonly style: NoteStyle;
  readonly text: string;
  readonly at: string;
}

/** One line of a conversation. */
export type Entry = MessageEntry | NoteEntry;

/** An entry before it has its key. */
export type NewEntry = Omit<MessageEntry, "key"> | Omit<NoteEntry, "key">;

/** Position of a client in a room: it has everything up to this message. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

/** A message for a room. */
export interface Publish {
  readonly room: string;
  readonly text: string;
  readonly action?: true | undefined;
}

/** A publish request. */
export interface Draft {
  readonly id: string;
  readonly text: string;
  readonly action: true | undefined;
}

/** A request of the JSON wire; the server checks its fields. */
export type Request = Readonly<{ type: string } & Record<string, unknown>>;

/** A parsed input of the message box. */
export type Wish =
  | { readonly kind: "say"; readonly text: string; readonly action?: true }
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "join"; readonly room: string }
  | { readonly kind: "open"; readonly nick: string; readonly text: string }
  | { readonly kind: "history"; readonly count: number }
  | { readonly kind: "browse" | "help" }
  | { readonly kind: "fault"; readonly text: string };

/** State saved across reloads. */
export interface Saved {
  /** Texts in the message box, by the key of their conversation. */
  readonly drafts: readonly (readonly [key: string, text: string])[];
  readonly current: string | undefined;
  readonly conversations: readonly { readonly name: string; readonly messages: readonly MessageEntry[] }[];
}

/** A part of a message's text. */
export interface Piece {
  readonly kind: "text" | "link" | "mention" | "code" | "block";
  readonly text: string;
}

/** State of the connection. */
export type ConnectionState = "connecting" | "online" | "waiting";

export type { ChatEvent, People, Person };
