import { FrameError, TimeoutError } from "../base/errors.ts";
import { isLoopback } from "../base/ip.ts";
import { isHostEndpoint } from "../net/endpoint.ts";
import { delay } from "../net/wait.ts";
import type { Message, Session } from "../serve/session.ts";
import { ChatError } from "./chat_error.ts";
import { decodeText, isBinary } from "./clean_text.ts";
import type { Hub } from "./hub.ts";
import type { InputResult } from "./input.ts";
import { handleJson } from "./json_input.ts";
import { FreeEntries } from "./free_entries.ts";
import { idOfRequest, RequestError } from "./json_request.ts";
import type { Member } from "./member.ts";
import { MessageRate } from "./message_rate.ts";
import { LOBBY } from "./names.ts";
import { handleText } from "./text_input.ts";

/** How clients are treated. */
export interface ConversationOptions {
  /** Messages a second, after a burst; 0 for no limit, `undefined` for the default limit except on loopback. */
  readonly messageRate: number | undefined;
  /** Messages at once, after a pause. */
  readonly messageBurst: number;
  /** For the log-in, where one is required, in milliseconds. */
  readonly logInTimeoutMs: number;
}

/** Messages a second where nothing is said. */
const DEFAULT_RATE = 2;
/** A request line (RFC 9112, section 3), whole or cut off in a long path. */
const HTTP_REQUEST = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) (?:\S+ HTTP\/\d|\/\S{200})/;
const NO_BYTES = new Uint8Array(0);
/** Wrong passwords before the conversation ends. */
const LOGIN_TRIES = 5;
/** Lines or requests that may be refused one after the other before the conversation ends. */
const REFUSED_MOST = 1_000;

/** One client's conversation with the chat, from greeting to end. */
export async function converse(hub: Hub, session: Session, options: ConversationOptions): Promise<void> {
  const member = hub.enter(session);
  const rate = rateFor(session, options);
  const free = new FreeEntries();
  const loginEndMs = performance.now() + options.logInTimeoutMs;
  let isFirst = true;
  let isOver = false;
  try {
    if (member.isAdmitted && member.wire.name === "text") await enterLobby(hub, member);
    for (;;) {
      const batch = member.isAdmitted ? await session.receive() : await receiveLogin(member, loginEndMs);
      if (batch === null) break;
      for (const { data } of batch) {
        if (rate !== undefined && !free.take(member.wire, data)) await hold(rate, session);
        if (isFirst) refuseHttp(member, data);
        isFirst = false;
        const reading = member.drained();
        if (reading !== undefined) await reading;
        const result = handle(hub, member, data, rate);
        if ((result instanceof Promise ? await result : result) === "quit") return void (isOver = true);
      }
    }
    isOver = true;
  } finally {
    hub.leave(member, reasonOf(session, isOver));
  }
}

/** Why someone left, for those who stay; leaving in order needs no reason. */
function reasonOf({ closeReason }: Session, isOver: boolean): string | undefined {
  if (closeReason === "slow consumer" || closeReason === "write timeout") return "reads too slowly";
  return isOver ? undefined : "connection lost";
}

/** Who is banned from it is told so, and may enter other rooms. */
async function enterLobby(hub: Hub, member: Member): Promise<void> {
  try {
    await hub.join(member, LOBBY);
  } catch (error) {
    refuse(member, NO_BYTES, error);
  }
}

function handle(hub: Hub, member: Member, data: Uint8Array, rate: MessageRate | undefined): InputResult {
  try {
    if (rate?.isMuted) throw tooFast(member, data, rate);
    if (data.includes(0)) throw new ChatError("not-text", "That is no text: it holds NUL");
    const result = member.wire.name === "json" ? handleJson(hub, member, data) : handleText(hub, member, data);
    member.refusedInARow = 0;
    return result instanceof Promise ? result.catch((error: unknown) => refuse(member, data, error)) : result;
  } catch (error) {
    return refuse(member, data, error);
  }
}

function tooFast({ wire }: Member, data: Uint8Array, rate: MessageRate): ChatError {
  const id = wire.name === "json" ? idOfRequest(decodeText(data) ?? "") : undefined;
  return new RequestError(`You send too fast: nothing is passed on for ${rate.mutedText}`, undefined, id, "too-fast");
}

/** Tells the client what was wrong; who is no chat client, or guesses passwords, is told once and sent away. */
function refuse(member: Member, data: Uint8Array, error: unknown): void {
  if (!(error instanceof ChatError)) throw error;
  const { code, message, field } = error;
  member.tell({ type: "error", code, text: message, field, id: error instanceof RequestError ? error.id : undefined });
  if (code === "not-text" && isBinary(data)) throw new FrameError(message);
  // Who hears nothing but errors is no client, and answering would never end.
  if (++member.refusedInARow > REFUSED_MOST) throw new FrameError("Too many lines in a row were refused");
  if (code === "login-failed" && ++member.failedLogins >= LOGIN_TRIES) throw new FrameError("Too many failed log-ins");
}

/** A browser or a probe that takes this for a web server gets one line, not one for each header. */
function refuseHttp(member: Member, data: Uint8Array): void {
  const start = decodeText(data.subarray(0, 256)) ?? "";
  if (!HTTP_REQUEST.test(start)) return;
  const text = "This is a chat of text lines, no web server: use a ws:// endpoint for browsers";
  member.tell({ type: "error", code: "not-text", text });
  throw new FrameError("An HTTP request came where lines of text are expected");
}

/** Waits for the next messages of one who has yet to log in. */
async function receiveLogin(member: Member, endMs: number): Promise<readonly Message[] | null> {
  const { session } = member;
  try {
    return await session.receive({ timeoutMs: Math.max(0, endMs - performance.now()) });
  } catch (error) {
    if (!(error instanceof TimeoutError) || error.phase !== "reply") throw error;
    member.tell({ type: "error", code: "login-required", text: "No log-in came in time" });
    await session.finish("log-in timeout");
    return null;
  }
}

function rateFor(session: Session, { messageRate, messageBurst }: ConversationOptions): MessageRate | undefined {
  const { remote } = session;
  const isLocal = !isHostEndpoint(remote) || isLoopback(remote.host);
  const perSecond = messageRate ?? (isLocal ? 0 : DEFAULT_RATE);
  return perSecond === 0 ? undefined : new MessageRate({ burst: messageBurst, perSecond });
}

/** Holds a message of a client that is too fast; meanwhile nothing more is read of it. */
async function hold(rate: MessageRate, session: Session): Promise<void> {
  const delayMs = rate.take();
  if (delayMs > 0 && session.closeReason === undefined) await delay(delayMs);
}
