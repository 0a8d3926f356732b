import { preview, utf8 } from "../../../base/bytes.ts";
import { FrameError, ParleyError } from "../../../base/errors.ts";
import { isRecord } from "../../../base/json.ts";
import type { ChatEvent } from "../../../chat/event.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import type { Session } from "../../../session/session.ts";

/**
 * Parses an event of the JSON format; `undefined` for an unknown type from a newer server.
 *
 * @throws {FrameError} The text is not an event: the server is not a chat.
 */
export function parseEvent(text: string): ChatEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FrameError("The server sent invalid JSON: is it a Parley chat?", { cause });
  }
  if (!isRecord(value) || typeof value.type !== "string") {
    throw new FrameError("The server sent an object without a type: is it a Parley chat?");
  }
  const event = value as { type: string } & Record<string, unknown>;
  const fields = FIELDS[event.type];
  if (fields === undefined) return undefined;
  for (const [name, type] of Object.entries(fields)) {
    const found = Array.isArray(event[name]) ? "array" : typeof event[name];
    if (found !== type) {
      throw new FrameError(`The server sent a ${event.type} whose ${name} is not ${type} but ${found}`);
    }
  }
  // The used fields have been checked above.
  return event as unknown as ChatEvent;
}

/** Required fields of each type. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, "string" | "number" | "boolean" | "array">>>> = {
  welcome: { nick: "string", motd: "array", loginRequired: "boolean" },
  message: { room: "string", seq: "number", epoch: "string", at: "string", from: "string", text: "string" },
  joined: { room: "string", seq: "number", epoch: "string", topic: "string", resumed: "boolean", members: "array" },
  left: { room: "string" },
  history: { room: "string", messages: "array" },
  unrecovered: { room: "string", seq: "number", epoch: "string", reason: "string" },
  ack: { room: "string", seq: "number", epoch: "string" },
  join: { room: "string", nick: "string" },
  leave: { room: "string", nick: "string" },
  nick: { from: "string", to: "string" },
  topic: { room: "string", topic: "string" },
  private: { from: "string", to: "string", text: "string", at: "string" },
  moderation: { action: "string", room: "string", nick: "string", by: "string" },
  rooms: { rooms: "array" },
  who: { room: "string", members: "array" },
  notice: { text: "string" },
  error: { code: "string", text: "string" },
  done: { id: "string" },
  ping: {},
  bye: { reason: "string" },
};

/** Codes of a Close frame: protocol error, wrong type of data, not UTF-8, too large (RFC 6455, section 7.4.1). */
const REFUSALS: ReadonlySet<number> = new Set([1002, 1003, 1007, 1009]);

/** The server rejected the client; a retry would not help. */
export class RefusedByServerError extends ParleyError {
  override name = "RefusedByServerError";
}

/** The server would reject the same data again. */
export function refusalOf({ closeFrame }: Session, cause: unknown): RefusedByServerError | undefined {
  if (closeFrame === undefined || !REFUSALS.has(closeFrame.code)) return undefined;
  const why = closeFrame.text === "" ? "" : ` (${closeFrame.text})`;
  return new RefusedByServerError(`The server closed the connection with code ${closeFrame.code}${why}`, { cause });
}

/** The peer is not a Parley chat. */
export function unexpectedProtocol(session: Session, said: string): ParleyError {
  const endpoint = formatEndpoint(session.remote);
  const shown = preview(utf8(said.trimEnd()), 80);
  return new ParleyError(`${endpoint} is not a Parley chat: it sent "${shown}"`, { endpoint });
}
