import { createHash } from "node:crypto";
import { ChatError } from "./chat_error.ts";

/** One message of a room, as it is stored and as everyone sees it. */
export interface RoomMessage {
  readonly type: "message";
  /** The room's name as it was first written, `#lobby`. */
  readonly room: string;
  /** Its place in the room: 1, 2, 3 and so on without gaps; rising, with gaps, where there is a `prev`. */
  readonly seq: number;
  /** Of many servers: the `seq` of the room's message before this one, 0 where none is kept. */
  readonly prev?: number;
  /** Names the numbering: another epoch means that `seq` started again. */
  readonly epoch: string;
  /** When it was stored (RFC 3339, UTC). */
  readonly at: string;
  /** The sender's name. */
  readonly from: string;
  /** What was said; no control character is in it. */
  readonly text: string;
  /** Said with `/me`; left out otherwise. */
  readonly action?: true | undefined;
  /** The sender's own name for it, where it gave one. */
  readonly id?: string | undefined;
}

/** A message before it is stored. */
export interface Draft {
  readonly from: string;
  readonly text: string;
  readonly action?: true | undefined;
  readonly id?: string | undefined;
  /**
   * Whose `id` that is: two senders may use the same one. It is stored for
   * that, and never shown.
   *
   * @default {""}
   */
  readonly sender?: string | undefined;
}

/** A sender uses one `id` for two texts: taking the second for a repetition would lose it. */
export function idConflict(draft: Draft): ChatError {
  return new ChatError("id-conflict", `The id "${draft.id}" belongs to another message of this room`, { field: "id" });
}

/**
 * What a message with an `id` is recognized by when it is sent again: two
 * senders may use the same one. Hashed, for a sender may be an address or a secret.
 */
export function repetitionKey(scope: string, sender: string, id: string): Uint8Array {
  return createHash("sha256").update(JSON.stringify([scope, sender, id])).digest().subarray(0, 16);
}
