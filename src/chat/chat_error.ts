/** Why a request is rejected; programs branch on it. */
export type ChatErrorCode =
  | "bad-request"
  | "not-text"
  | "too-long"
  | "bad-nick"
  | "nick-taken"
  | "no-such-nick"
  | "bad-room"
  | "not-in-room"
  | "too-many-rooms"
  | "too-many-bans"
  | "not-operator"
  | "banned"
  | "muted"
  | "too-fast"
  | "login-required"
  | "login-failed"
  | "id-conflict"
  | "not-stored";

/** A rejected request: its only effect is an error for the member. */
export class ChatError extends Error {
  override name = "ChatError";
  /** For programs. */
  readonly code: ChatErrorCode;
  /** The invalid field of a JSON request. */
  readonly field: string | undefined;

  /** The message is a sentence without a full stop. */
  constructor(code: ChatErrorCode, message: string, options: ErrorOptions & { field?: string | undefined } = {}) {
    super(message, options);
    this.code = code;
    this.field = options.field;
  }
}
