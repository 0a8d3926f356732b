import { createHash } from "node:crypto";
import { ChatError } from "./chat_error.ts";

/** A stored message of a room. */
export interface RoomMessage {
  readonly type: "message";
  /** The room's name as first written, for example `#lobby`. */
  readonly room: string;
  /** Number in the room: consecutive from 1, or increasing with gaps if there is a `prev`. */
  readonly seq: number;
  /** In a cluster: the `seq` of the room's previous message, 0 if none is kept. */
  readonly prev?: number;
  /** ID of the numbering: in a new epoch `seq` starts again. */
  readonly epoch: string;
  /** When it was stored (RFC 3339, UTC). */
  readonly at: string;
  /** The sender's name. */
  readonly from: string;
  /** The text, without control characters except line ends. */
  readonly text: string;
  /** Whether it is an action (`/me`); omitted otherwise. */
  readonly action?: true | undefined;
  /** The sender's ID for it, if any. */
  readonly id?: string | undefined;
}

/** A message before it is stored. */
export interface Draft {
  readonly from: string;
  readonly text: string;
  readonly action?: true | undefined;
  readonly id?: string | undefined;
  /**
   * The owner of the `id`, because two senders may use the same one. Stored, but never shown.
   *
   * @default {""}
   */
  readonly sender?: string | undefined;
}

/** A draft as the message that is stored; made without `...`, which costs more than all other fields. */
export function storedMessage(
  draft: Draft,
  { room, seq, epoch, at }: { room: string; seq: number; epoch: string; at: string },
): RoomMessage {
  const { from, text, action, id } = draft;
  const message: { -readonly [Field in keyof RoomMessage]: RoomMessage[Field] } = {
    type: "message",
    room,
    seq,
    epoch,
    at,
    from,
    text,
  };
  if (action) message.action = action;
  if (id !== undefined) message.id = id;
  return message;
}

/** The sender uses one `id` for two texts; treating the second as a duplicate would lose it. */
export function idConflict(draft: Draft): ChatError {
  return new ChatError("id-conflict", `The id "${draft.id}" belongs to another message of this room`, { field: "id" });
}

/**
 * Key for detecting duplicates of a message with an `id`. It includes the sender and is hashed, because the sender may
 * be an address or a secret.
 */
export function repetitionKey(scope: string, sender: string, id: string): Uint8Array {
  return createHash("sha256").update(JSON.stringify([scope, sender, id])).digest().subarray(0, 16);
}
