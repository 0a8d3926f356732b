import type { Session } from "../serve/session.ts";
import { ChatError } from "./chat_error.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { LOBBY } from "./names.ts";
import { handleText, type InputResult } from "./text_input.ts";

/** One client's conversation with the chat, from greeting to end. */
export async function converse(hub: Hub, session: Session): Promise<void> {
  const member = hub.enter(session);
  let reason: string | undefined = "connection lost";
  try {
    if (member.isAdmitted && member.wire.name === "text") await hub.join(member, LOBBY);
    for (let batch = await session.receive(); batch; batch = await session.receive()) {
      for (const { data } of batch) {
        const result = handle(hub, member, data);
        if ((result instanceof Promise ? await result : result) === "quit") {
          reason = undefined;
          return;
        }
      }
    }
    reason = undefined;
  } finally {
    hub.leave(member, reason);
  }
}

function handle(hub: Hub, member: Member, data: Uint8Array): InputResult {
  try {
    const result = handleText(hub, member, data);
    return result instanceof Promise ? result.catch((error: unknown) => refuse(member, error)) : result;
  } catch (error) {
    return refuse(member, error);
  }
}

function refuse(member: Member, error: unknown): void {
  if (!(error instanceof ChatError)) throw error;
  member.tell({ type: "error", code: error.code, text: error.message, field: error.field });
}
