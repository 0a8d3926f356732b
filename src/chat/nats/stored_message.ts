import type { Draft } from "../message.ts";

/** A message as the stream has it. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly at: string;
  readonly draft: Draft;
  /** The server that it came to. */
  readonly origin: string | undefined;
}

/** What goes into the stream. */
export function encodeDraft({ from, text, action, id }: Draft, origin: string): string {
  return JSON.stringify({ from, text, action, id, origin });
}

/** What came out of it; `undefined` where another program wrote it. */
export function decodeDraft(data: string): Pick<StoredMessage, "draft" | "origin"> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    // No message of ours.
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
