import { createHash } from "node:crypto";
import { ChatError } from "./chat_error.ts";
import type { Draft } from "./message.ts";

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
