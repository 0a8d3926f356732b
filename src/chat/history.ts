import type { Duration } from "../base/units.ts";
import type { ChatError } from "./chat_error.ts";
import type { Decision, RoomState } from "./decision.ts";
import type { Draft, RoomMessage } from "./message.ts";

/** What the sender of a message receives once it is stored. */
export interface Receipt {
  readonly seq: number;
  readonly epoch: string;
  /** A message with the same `id` had been stored before; this is its place. */
  readonly isDuplicate: boolean;
}

/** How much is kept. */
export interface Retention {
  /** Maximum messages of one room. */
  readonly maxMessages: number;
  /** Messages older than this are forgotten. */
  readonly maxAge?: Duration | undefined;
  /**
   * Maximum bytes of all rooms' messages: the oldest of the least active rooms go first.
   *
   * @default {268_435_456}
   */
  readonly maxBytes?: number | undefined;
  /**
   * Maximum rooms of which anything is kept. For a new one, the room is
   * forgotten that has been empty the longest, rooms with bans last.
   *
   * @default {10_000}
   */
  readonly maxRooms?: number | undefined;
}

/** Default of {@linkcode Retention.maxBytes}. */
export const MAX_BYTES: number = 256 * 1024 * 1024;
/** Default of {@linkcode Retention.maxRooms}. */
export const MAX_ROOMS = 10_000;

/**
 * The messages of one room in their one order. Each server that has it open receives every
 * message that is stored, by whomever, once and in order.
 */
export interface RoomLog {
  /** Names the numbering of this room. */
  readonly epoch: string;
  /** Number of the last message that was told, 0 before the first. */
  readonly seq: number;
  /**
   * Stores a message. `onSettled` is called once, in the order of publishing:
   * right after the room was told the message, when it is as safe as this
   * history makes it; or with the error that kept it from being stored.
   */
  publish(draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void;
  /**
   * The messages after `seq`, oldest first, `limit` at the most; `undefined`
   * where some of them are no longer kept.
   */
  after(seq: number, limit: number): Promise<readonly RoomMessage[] | undefined>;
  /** The last `limit` messages up to and including `upTo`, oldest first. */
  last(limit: number, upTo: number): Promise<readonly RoomMessage[]>;
  /**
   * Where there are many servers: waits, but not for long, until a message has
   * been told here that another server may have told a client already.
   */
  reached?(seq: number): Promise<void>;
  /** What all decisions so far come to. */
  readonly state: RoomState;
  /**
   * Stores a decision for as long as messages are kept, and then tells it to
   * each server that has the room open.
   *
   * @throws {ChatError} It cannot be stored now, or the room has too many bans and mutes; nothing is changed.
   */
  decide(decision: Decision): void | Promise<void>;
  /** The room is empty: nothing is to be told any more. */
  close(): void;
}

/** Is told a message that is stored; `isForeign` says that another server of the cluster took it. */
export type OnMessage = (message: RoomMessage, isForeign?: boolean) => void;

/** Is told what was decided, in the order of deciding; the log's state is what comes of it. */
export type OnDecision = (decision: Decision) => void;

/** Stores the messages of all rooms. */
export interface History extends AsyncDisposable {
  /** Why nothing can be stored now; `undefined` where it can. */
  readonly fault?: string | undefined;
  /**
   * Opens the log of a room; `onMessage` is told each message that is stored
   * from now on, `onDecision` what is decided.
   *
   * @throws {ChatError} The room cannot be read.
   */
  open(room: string, onMessage: OnMessage, onDecision?: OnDecision): Promise<RoomLog>;
}
