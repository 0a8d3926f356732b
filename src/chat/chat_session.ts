import { NO_BYTES } from "../base/bytes.ts";
import { FrameError, MessageTooLongError, TimeoutError } from "../base/errors.ts";
import { fieldOf } from "../base/json.ts";
import { formatEndpoint, isHostEndpoint } from "../net/endpoint.ts";
import { delay } from "../net/wait.ts";
import type { Message, Session } from "../session/session.ts";
import { Pinger, type PingOptions } from "../websocket/pinger.ts";
import { ChatError } from "./chat_error.ts";
import { decodeText, isBinary } from "./clean_text.ts";
import type { Hub } from "./hub.ts";
import type { InputResult } from "./commands/command.ts";
import { type Input, readInput } from "./input.ts";
import { handleJson } from "./json_input.ts";
import { idOf, RequestError } from "./json_request.ts";
import { admitAs } from "./login.ts";
import type { Member } from "./member.ts";
import type { ClientRate, MessageRates } from "./message_rate.ts";
import { LOBBY } from "./names.ts";
import { handleText } from "./text_input.ts";
import type { EventFormat } from "./event_format.ts";

/** Options of a chat session. */
interface ChatSessionOptions {
  /** Rate limits. */
  readonly rates: MessageRates;
  /** Time limit for a required login, in milliseconds. */
  readonly logInTimeoutMs: number;
  /**
   * Ping settings for clients of the JSON format over a stream; WebSocket has its own pings.
   *
   * @default {never}
   */
  readonly pings?: PingOptions | undefined;
}

/** First lines of other protocols, and the response to each. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [
    // A request line (RFC 9112, section 3), possibly truncated in a long path.
    /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) (?:\S+ HTTP\/\d|\/\S{200})/,
    "This is a text chat, not a web server: use a ws:// endpoint for browsers",
  ],
  [
    /^PROXY (?:TCP[46] |UNKNOWN\b)/,
    "Unexpected PROXY protocol header: turn it off in the proxy, or use --proxy-protocol",
  ],
];
/** Wrong passwords before the client is disconnected. */
const LOGIN_TRIES = 5;
/** Consecutive rejected lines or requests before the client is disconnected. */
const MAX_REFUSED = 1_000;

/** Runs one client's chat session. */
export function runChatSession(hub: Hub, session: Session, options: ChatSessionOptions): Promise<void> {
  return new ChatSession(hub, session, options).run();
}

/** Fields instead of variables, because every idle client keeps the frame of the function that waits for its input. */
class ChatSession {
  readonly #hub: Hub;
  readonly #session: Session;
  readonly #options: ChatSessionOptions;
  readonly #member: Member;
  readonly #rate: ClientRate | undefined;
  readonly #loginEndMs: number;
  /** Only for clients of the JSON format over a stream. */
  #pinger: Pinger | undefined;
  /** Unanswered pings. */
  #pings = 0;
  #isFirst = true;
  #isReading = false;

  constructor(hub: Hub, session: Session, options: ChatSessionOptions) {
    const { remote } = session;
    const member = hub.enter(session);
    this.#hub = hub;
    this.#session = session;
    this.#options = options;
    this.#member = member;
    this.#rate = options.rates.enter(isHostEndpoint(remote) ? remote.host : undefined);
    this.#loginEndMs = member.isAdmitted ? Infinity : performance.now() + options.logInTimeoutMs;
    member.roomRate = this.#rate?.room;
    session.onBadMessage = (error) => refuseBad(member, error);
  }

  async run(): Promise<void> {
    let isOver = false;
    try {
      const isAllowed = isLetIn(this.#hub, this.#member);
      if (!(isAllowed instanceof Promise ? await isAllowed : isAllowed)) {
        return void await this.#session.finish("denied");
      }
      this.#useRateOfLogin();
      await this.#joinLobby();
      while (!isOver) {
        const batch = await this.#receive();
        isOver = batch === null || await this.#handle(batch) === "quit";
      }
    } finally {
      this.#pinger?.[Symbol.dispose]();
      this.#rate?.[Symbol.dispose]();
      this.#hub.leave(this.#member, reasonOf(this.#session, isOver));
    }
  }

  /** A client banned from the room receives the reason and may enter other rooms. */
  #joinLobby(): Promise<void> | undefined {
    const member = this.#member;
    if (!member.isAdmitted || member.format.name !== "text") return undefined;
    return this.#hub.join(member, LOBBY).catch((error: unknown) => refuse(member, NO_BYTES, error));
  }

  #receive(): Promise<readonly Message[] | null> {
    this.#isReading = true;
    return this.#member.isAdmitted ? this.#session.receive() : receiveLogin(this.#member, this.#loginEndMs);
  }

  async #handle(batch: readonly Message[]): Promise<void | "quit"> {
    this.#isReading = false;
    this.#pinger?.answered();
    for (const { data } of batch) {
      const input = readInput(data, this.#member.format);
      const counted = this.#isFree(input) ? undefined : this.#rate;
      if (counted !== undefined) await hold(counted, this.#session);
      if (this.#isFirst) refuseForeign(this.#member, data);
      this.#isFirst = false;
      const reading = this.#member.drained();
      if (reading !== undefined) await reading;
      const result = handle(this.#hub, this.#member, input, counted);
      if ((result instanceof Promise ? await result : result) === "quit") return "quit";
      this.#useRateOfLogin();
      if (this.#member.format.name === "json") this.#startPings();
    }
  }

  /** Whether a message does not count towards the rate. */
  #isFree(input: Input): boolean {
    const rate = this.#rate;
    if (rate === undefined) return true;
    const type = typeOf(this.#member.format, input);
    return type === "pong" ? this.#pings-- > 0 : type === "join" && rate.takeJoin();
  }

  #useRateOfLogin(): void {
    const { login } = this.#member;
    if (login !== undefined) this.#rate?.admit(login);
  }

  #startPings(): void {
    const session = this.#session;
    const { pings } = this.#options;
    if (this.#pinger !== undefined || pings === undefined || session.kind !== "stream") return;
    this.#pinger = new Pinger({
      isClosed: () => session.closeReason !== undefined,
      isReading: () => this.#isReading,
      ping: () => {
        this.#pings = 1;
        this.#member.deliver({ type: "ping" });
      },
      onSilence() {
        const endpoint = formatEndpoint(session.remote);
        session.close("ping timeout", new TimeoutError("idle", `${endpoint} did not answer a ping`, { endpoint }));
      },
    }, pings);
  }
}

function typeOf({ name }: EventFormat, { text = "", json }: Input): unknown {
  return name === "json" ? fieldOf(json, "type") : /^\/join\s/i.test(text) ? "join" : undefined;
}

/** Reason shown to the others when a member leaves; none for a normal end. */
function reasonOf({ closeReason }: Session, isOver: boolean): string | undefined {
  if (closeReason === "slow consumer" || closeReason === "write timeout") return "reads too slowly";
  return isOver ? undefined : "connection lost";
}

/** A client banned from the server receives only the reason. */
function isLetIn(hub: Hub, member: Member): boolean | Promise<boolean> {
  const { identity } = member.session;
  const onRefused = (error: unknown) => {
    refuse(member, NO_BYTES, error);
    return false;
  };
  try {
    hub.serverBans.check(member);
  } catch (error) {
    return onRefused(error);
  }
  return identity === undefined || admitAs(hub, member, identity).then(() => true, onRefused);
}

function handle(hub: Hub, member: Member, input: Input, rate: ClientRate | undefined): InputResult {
  try {
    if (rate?.isMuted) throw tooFast(input, rate);
    const result = member.format.name === "json" ? handleJson(hub, member, input) : handleText(hub, member, input);
    member.refusedInARow = 0;
    return result instanceof Promise ? result.catch((error: unknown) => refuse(member, input.data, error)) : result;
  } catch (error) {
    return refuse(member, input.data, error);
  }
}

function tooFast({ json }: Input, rate: ClientRate): ChatError {
  const text = `You are sending too fast: your messages are dropped for ${rate.mutedText}`;
  return new RequestError(text, undefined, idOf(json), "too-fast");
}

/** Reports an error to the client; disconnects clients of other protocols and clients that guess passwords. */
function refuse(member: Member, data: Uint8Array, error: unknown): void {
  if (!(error instanceof ChatError)) throw error;
  const { code, message, field } = error;
  member.deliver({
    type: "error",
    code,
    text: message,
    field,
    id: error instanceof RequestError ? error.id : undefined,
  });
  if (code === "not-text" && isBinary(data)) throw new FrameError(message);
  // Otherwise a client that only causes errors would be served forever.
  if (++member.refusedInARow > MAX_REFUSED) throw new FrameError("Too many consecutive errors");
  if (code === "login-failed" && ++member.failedLogins >= LOGIN_TRIES) throw new FrameError("Too many failed logins");
}

/** Reports a message dropped for a framing error, with its `id` if that is among the first bytes. */
function refuseBad(member: Member, error: FrameError): void {
  const isTooLong = error instanceof MessageTooLongError;
  const start = isTooLong && member.format.name === "json" ? new TextDecoder().decode(error.start) : "";
  const id = /"id"\s*:\s*"([^"\\]{1,128})"/.exec(start)?.[1];
  member.deliver({ type: "error", code: isTooLong ? "too-long" : "bad-request", text: error.message, id });
}

/** A browser or a proxy gets one line, and its data is not published in a room. */
function refuseForeign(member: Member, data: Uint8Array): void {
  if (!isCapital(data[0])) return;
  const start = decodeText(data.subarray(0, 256)) ?? "";
  for (const [pattern, text] of FOREIGN) {
    if (!pattern.test(start)) continue;
    member.deliver({ type: "error", code: "not-text", text });
    throw new FrameError(text);
  }
}

/** All requests of other protocols begin with a capital letter. */
function isCapital(byte = 0): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/** Waits for messages of a client that has not logged in yet. */
async function receiveLogin(member: Member, endMs: number): Promise<readonly Message[] | null> {
  const { session } = member;
  try {
    return await session.receive({ timeout: Math.max(0, endMs - performance.now()) });
  } catch (error) {
    if (!(error instanceof TimeoutError) || error.phase !== "reply") throw error;
    member.deliver({ type: "error", code: "login-required", text: "Login timed out" });
    await session.finish("log-in timeout");
    return null;
  }
}

/** Delays a message of a client that is too fast; meanwhile its input is not read. */
async function hold(rate: ClientRate, session: Session): Promise<void> {
  const delayMs = rate.take();
  if (delayMs > 0 && session.closeReason === undefined) await delay(delayMs);
}
