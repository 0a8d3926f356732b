import { ChatError } from "./chat_error.ts";
import type { Draft } from "./message.ts";

/** A sender uses one `id` for two texts: taking the second for a repetition would lose it. */
export function idConflict(draft: Draft): ChatError {
  return new ChatError("id-conflict", `The id "${draft.id}" belongs to another message of this room`, { field: "id" });
}
