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
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    // Not one of Parley's messages.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { from, text, action, id, origin } = value as Readonly<Record<string, unknown>>;
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
