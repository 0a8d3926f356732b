import { isRecord, parseJson } from "../../base/json.ts";
import type { Draft } from "../message.ts";

/** A message in the stream. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly at: string;
  readonly draft: Draft;
  /** ID of the server that accepted it. */
  readonly origin: string | undefined;
}

/** Encodes a message. */
export function encodeDraft({ from, text, action, id }: Draft, origin: string): string {
  return JSON.stringify({ from, text, action, id, origin });
}

/** Decodes a message; `undefined` if another program wrote it. */
export function decodeDraft(data: string): Pick<StoredMessage, "draft" | "origin"> | undefined {
  const value = parseJson(data);
  if (!isRecord(value)) return undefined;
  const { from, text, action, id, origin } = value;
  if (typeof from !== "string" || typeof text !== "string") return undefined;
  return {
    draft: {
      from,
      text,
      ...(action === true ? { action } : {}),
      ...(typeof id === "string" ? { id } : {}),
    },
    origin: typeof origin === "string" ? origin : undefined,
  };
}
