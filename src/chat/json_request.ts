import * as z from "zod";
import { fieldOf } from "../base/json.ts";
import { suggest } from "../base/suggest.ts";
import { parseDuration } from "../base/units.ts";
import { ChatError, type ChatErrorCode } from "./chat_error.ts";
import { cleanText, TOPIC_LENGTH } from "./clean_text.ts";
import { MAX_HISTORY } from "./names.ts";

const id = z.string().min(1).max(128)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, "Invalid input: an id must not contain control characters").optional();
const room = z.string();
const nick = z.string();
/** Too long to be guessed. */
const claim = z.string().min(16).max(128).optional();
const seq = z.int().min(0);
/** Cursor: the `next` of the previous page. */
const after = z.string().max(128).optional();
const reason = z.string().max(TOPIC_LENGTH).optional();

/** Text such as `10m`; the value is in milliseconds. */
const time = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch (error) {
    const why = error instanceof RangeError ? "the maximum is ten years" : "expected a time, as in 30s, 10m, 2h";
    context.addIssue({ code: "custom", message: `Invalid input: ${why}` });
    return z.NEVER;
  }
}).optional();

/** The requests by type; unknown fields are rejected, because they are likely typos. */
const REQUEST = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("login"), id, name: z.string(), password: z.string() }),
  z.strictObject({ type: z.literal("nick"), id, nick }),
  z.strictObject({ type: z.literal("join"), id, room, epoch: z.string().optional(), seq: seq.optional(), claim }),
  z.strictObject({ type: z.literal("leave"), id, room }),
  z.strictObject({ type: z.literal("publish"), id, room, text: z.string(), action: z.literal(true).optional() }),
  z.strictObject({ type: z.literal("private"), id, to: nick, text: z.string() }),
  z.strictObject({ type: z.literal("rooms"), id, after }),
  z.strictObject({ type: z.literal("who"), id, room, after }),
  z.strictObject({ type: z.literal("topic"), id, room, topic: z.string().optional() }),
  z.strictObject({
    type: z.literal("history"),
    id,
    room,
    count: z.int().min(1).max(MAX_HISTORY).optional(),
    before: seq.optional(),
  }),
  z.strictObject({ type: z.literal("kick"), id, room, nick, reason }),
  z.strictObject({ type: z.literal("ban"), id, room, nick, time, reason }),
  z.strictObject({ type: z.literal("unban"), id, room, nick }),
  z.strictObject({ type: z.literal("mute"), id, room, nick, time, reason }),
  z.strictObject({ type: z.literal("unmute"), id, room, nick }),
  z.strictObject({ type: z.literal("op"), id, room, nick }),
  z.strictObject({ type: z.literal("deop"), id, room, nick }),
  z.strictObject({ type: z.literal("ignore"), id, nick }),
  z.strictObject({ type: z.literal("unignore"), id, nick }),
  z.strictObject({ type: z.literal("server-kick"), id, nick, reason }),
  z.strictObject({ type: z.literal("server-ban"), id, nick, time, reason }),
  z.strictObject({ type: z.literal("server-unban"), id, nick }),
  z.strictObject({ type: z.literal("announce"), id, text: z.string() }),
  z.strictObject({ type: z.literal("mode"), id, mode: z.enum(["text", "json"]) }),
  z.strictObject({ type: z.literal("pong"), id }),
  z.strictObject({ type: z.literal("quit"), id }),
]);

/** Maximum characters of an invalid name in an error. */
const SHOWN_CHARACTERS = 64;

const FIELD_NAMES = [...new Set(REQUEST.options.flatMap(({ shape }) => Object.keys(shape)))];
const TYPE_NAMES = REQUEST.options.map(({ shape }) => shape.type.value);

/** A request of the JSON format. */
export type JsonRequest = z.infer<typeof REQUEST>;

/** A rejected request, with its `id`. */
export class RequestError extends ChatError {
  /** The `id` of the request, if any. */
  readonly id: string | undefined;

  /** Creates an error that names the invalid field. */
  constructor(
    message: string,
    field: string | undefined,
    id: string | undefined,
    code: ChatErrorCode = "bad-request",
  ) {
    super(code, message, { field });
    this.id = id;
  }
}

/**
 * Checks a JSON value, `undefined` for invalid JSON. Before a required login only requests of the `open` types are
 * checked completely.
 *
 * @throws {RequestError} It is not a valid request, whose invalid field is named, or login is required.
 */
export function parseRequest(value: unknown, open?: ReadonlySet<unknown>): JsonRequest {
  if (value === undefined) throw new RequestError("Cannot parse that message: invalid JSON", undefined, undefined);
  if (open !== undefined && !open.has(fieldOf(value, "type"))) {
    const how = 'Log in first: {"type":"login","name":"...","password":"..."}';
    throw new RequestError(how, undefined, idOf(value), "login-required");
  }
  const result = REQUEST.safeParse(value);
  if (result.success) return result.data;
  const { field, what } = faultOf(value, result.error.issues);
  throw new RequestError(field === undefined ? what : `${field}: ${what}`, field, idOf(value));
}

/** The invalid field and the reason; unknown fields first, because a typo may make another field seem to be missing. */
function faultOf(value: unknown, issues: readonly z.core.$ZodIssue[]): { field?: string | undefined; what: string } {
  const unknownKey = issues.find((issue) => issue.code === "unrecognized_keys")?.keys[0];
  if (unknownKey !== undefined) {
    return { field: unknownKey.slice(0, SHOWN_CHARACTERS), what: `No such field${hint(unknownKey, FIELD_NAMES)}` };
  }
  const [issue] = issues;
  if (issue?.code === "invalid_union") return { field: "type", what: faultOfType(fieldOf(value, "type")) };
  return { field: issue?.path.join(".") || undefined, what: issue?.message ?? "Invalid input" };
}

function faultOfType(type: unknown): string {
  if (typeof type !== "string") return "Missing: every request has a type, such as publish";
  return `Unknown request type "${cleanText(type.slice(0, SHOWN_CHARACTERS))}"${hint(type, TYPE_NAMES)}`;
}

function hint(typed: string, known: readonly string[]): string {
  const near = suggest(typed, known);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** The `id` of a request, even of an invalid one. */
export function idOf(value: unknown): string | undefined {
  const id = fieldOf(value, "id");
  // Omitted if invalid, so that it does not inflate the response.
  return typeof id === "string" && id.length <= 128 ? id : undefined;
}
