/**
 * What the page's scripts hand to each other. Types only: the scripts are
 * JavaScript that browsers take as it is, checked by `deno task check`.
 *
 * @module
 */

import type { ChatEvent, People, Person } from "../event.ts";

/** The events of one type. */
export type EventOf<Type extends ChatEvent["type"]> = Extract<ChatEvent, { type: Type }>;

/** Rooms of the server, or a page of them. */
export type Directory = Pick<EventOf<"rooms">, "rooms" | "more" | "next">;

/** What a room tells about itself when it is entered. */
export type Joined = EventOf<"joined">;

/** A refusal. */
export type Refusal = Pick<EventOf<"error">, "code" | "text" | "field" | "id">;

/** Where an entry stands: behind everything of the numbering `epoch` up to `seq`. */
interface Place {
  /** Counts the numberings that the page has seen, from 0. */
  readonly epoch: number;
  readonly seq: number;
}

/** Something that was said, or is to be. */
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
  /** On its way, acknowledged, shown to everyone, or refused. */
  readonly state: "sending" | "stored" | "sent" | "failed";
  /** Why it was refused, for people and for programs. */
  readonly why?: string;
  readonly code?: string | undefined;
}

/** How a note looks: something that happened, who came and went, a gap, an answer of the page's own. */
export type NoteStyle = "note" | "presence" | "gap" | "help";

/** Something that the page tells. */
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

/** Where a client is in a room: it has everything up to this message. */
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

/** What is sent to a room. */
export interface Draft {
  readonly id: string;
  readonly text: string;
  readonly action: true | undefined;
}

/** A request of the JSON wire; the server checks its fields. */
export type Request = Readonly<{ type: string } & Record<string, unknown>>;

/** What a text in the message box asks for. */
export type Wish =
  | { readonly kind: "say"; readonly text: string; readonly action?: true }
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "join"; readonly room: string }
  | { readonly kind: "open"; readonly nick: string; readonly text: string }
  | { readonly kind: "history"; readonly count: number }
  | { readonly kind: "browse" | "help" }
  | { readonly kind: "fault"; readonly text: string };

/** What is kept of the page through a reload. */
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

/** How the connection is. */
export type ConnectionState = "connecting" | "online" | "waiting";

export type { ChatEvent, People, Person };
