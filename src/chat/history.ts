import type { Duration } from "../base/units.ts";
import type { ChatError } from "./chat_error.ts";
import type { Decision, RoomState } from "./decision.ts";
import type { Draft, RoomMessage } from "./message.ts";

/** The receipt for a stored message. */
export interface Receipt {
  readonly seq: number;
  readonly epoch: string;
  /** A message with the same `id` was stored before; this is its position. */
  readonly isDuplicate: boolean;
}

/** Retention limits. */
export interface Retention {
  /** Maximum messages per room. */
  readonly maxMessages: number;
  /** Messages older than this are forgotten. */
  readonly maxAge?: Duration | undefined;
  /**
   * Maximum bytes of all messages: the oldest of the least active rooms are deleted first.
   *
   * @default {268_435_456}
   */
  readonly maxBytes?: number | undefined;
  /**
   * Maximum stored rooms. Beyond it the room that has been empty longest is deleted, rooms with bans last.
   *
   * @default {10_000}
   */
  readonly maxRooms?: number | undefined;
}

/** Default of {@linkcode Retention.maxBytes}. */
export const MAX_BYTES: number = 256 * 1024 * 1024;
/** Default of {@linkcode Retention.maxRooms}. */
export const MAX_ROOMS = 10_000;

/** The message log of a room. Each server that has it open receives every stored message once and in order. */
export interface RoomLog {
  /** ID of the numbering of this room. */
  readonly epoch: string;
  /** Number of the last delivered message, 0 before the first. */
  readonly seq: number;
  /**
   * Stores a message. `onSettled` is called once, in the order of publishing: right after the stored message was
   * delivered to the room, or with the error if it was not stored.
   */
  publish(draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void;
  /** At most `limit` messages after `seq`, oldest first; `undefined` if some of them are no longer kept. */
  after(seq: number, limit: number): Promise<readonly RoomMessage[] | undefined>;
  /** The last `limit` messages up to and including `upTo`, oldest first. */
  last(limit: number, upTo: number): Promise<readonly RoomMessage[]>;
  /**
   * In a cluster: waits for a limited time until a message has been delivered here that another server may have
   * delivered already.
   */
  reached?(seq: number): Promise<void>;
  /** The state after all decisions so far. */
  readonly state: RoomState;
  /**
   * Stores a decision as durably as messages, then delivers it to each server that has the room open.
   *
   * @throws {ChatError} The decision cannot be stored now, or the room has too many bans and mutes; nothing is changed.
   */
  decide(decision: Decision): void | Promise<void>;
  /** Called when the room is empty: nothing more is delivered. */
  close(): void;
}

/** Receives each stored message; `isForeign` if another server of the cluster accepted it. */
export type OnMessage = (message: RoomMessage, isForeign?: boolean) => void;

/** Receives each decision in order; the log's state already includes it. */
export type OnDecision = (decision: Decision) => void;

/** Stores the messages of all rooms. */
export interface History extends AsyncDisposable {
  /** Why nothing can be stored now; `undefined` if it can. */
  readonly fault?: string | undefined;
  /**
   * Opens the log of a room; `onMessage` receives each message stored from now on, `onDecision` each decision.
   *
   * @throws {ChatError} The room cannot be read.
   */
  open(room: string, onMessage: OnMessage, onDecision?: OnDecision): Promise<RoomLog>;
}
