import { ClosedEarlyError, TimeoutError, UsageError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { TEXT_LENGTH } from "../../../chat/clean_text.ts";
import type { ChatEvent } from "../../../chat/event.ts";
import type { JsonRequest } from "../../../chat/json_request.ts";
import { keyOf, LOBBY } from "../../../chat/names.ts";
import { Progress } from "../../../chat/page/progress.js";
import type { Publish } from "../../../chat/page/types.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import { Deadline } from "../../../net/deadline.ts";
import { abortable } from "../../../net/wait.ts";
import type { Session } from "../../../session/session.ts";
import { leave } from "../../../websocket/close_frame.ts";
import { parseEvent, refusalOf, RefusedByServerError, unexpectedProtocol } from "./parse_event.ts";
import { Reconnecting } from "./reconnecting.ts";

/** Options of {@linkcode ChatLink}. */
export interface ChatLinkOptions {
  /** Opens a session; WebSocket with `parley.v1`. */
  readonly dial: () => Promise<Session>;
  /** Rooms to join; the first is the current one. */
  readonly rooms: readonly string[];
  readonly nick?: string | undefined;
  readonly login?: { readonly name: string; readonly password: string } | undefined;
  /** How long to retry after a lost connection or a storage failure of the server, in milliseconds. */
  readonly reconnectMs: number;
  /**
   * Delay between retries after a storage failure, in milliseconds.
   *
   * @default {1_000}
   */
  readonly retryEveryMs?: number;
  /** Time limit for the server's greeting, in milliseconds. */
  readonly greetingMs: number;
  /** Called for every event; each message once and in order. The next one is not received before it is done. */
  readonly onEvent: (event: ChatEvent) => void | Promise<void>;
  /** Called when the connection is lost or restored. */
  readonly onStatus: (text: string) => void;
}

/** A request to the server. */
export type Request = JsonRequest | { readonly type: "ban" | "mute"; readonly time?: string | undefined };

/** Prefix of the `id` of join requests. */
const ENTER = "enter ";
/** The `id` of the request to leave the initial room of a stream. */
const LEAVE_LOBBY = "leave #lobby";

/** Maximum characters shown of a server that is not a chat. */
const SHOWN_CHARACTERS = 80;

/**
 * A chat client over the JSON format. After a lost connection it reconnects, resumes each room, and resends
 * unacknowledged messages; no message is shown or stored twice.
 */
export class ChatLink {
  readonly #options: ChatLinkOptions;
  readonly #progress: Progress;
  /** Room names by key; the current room is the last. */
  readonly #rooms: Map<string, string>;
  /** Rooms joined over this connection. */
  readonly #entered = new Set<string>();
  /** Rooms of {@linkcode join} without a response yet: unlike those of the start, they are not required. */
  readonly #asked = new Set<string>();
  /** Rooms with a pending resume. */
  readonly #resuming = new Set<string>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #reconnecting: Reconnecting;
  readonly #ended = Promise.withResolvers<void>();
  #settled: PromiseWithResolvers<void> | undefined;
  #session: Session | undefined;
  #nick = "";
  /** The requested name, for reconnects. */
  #wantedNick: string | undefined;
  #isWelcome = false;
  /** Text lines of the server before its JSON welcome. */
  #said = "";
  /** The server adds a stream client to #lobby, which it leaves immediately unless requested. */
  #isLeavingLobby = false;
  readonly #leaving = new AbortController();

  /** Opens nothing before {@linkcode run}. */
  constructor(options: ChatLinkOptions) {
    this.#options = options;
    this.#wantedNick = options.nick;
    this.#rooms = new Map(options.rooms.toReversed().map((room) => [keyOf(room), room]));
    this.#ready.promise.catch(() => {});
    const { reconnectMs: forMs, onStatus } = options;
    this.#reconnecting = new Reconnecting({ forMs, onStatus, signal: this.#leaving.signal });
    this.#progress = new Progress({
      retryForMs: options.reconnectMs,
      ...(options.retryEveryMs === undefined ? {} : { retryEveryMs: options.retryEveryMs }),
      retry: (ids) => this.#askAgain(ids),
    });
  }

  /** Settles when the first room has been joined; rejects if that fails. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Whether it is connected and accepted. */
  get isOnline(): boolean {
    return this.#session !== undefined && this.#isWelcome;
  }

  /** Number of publishes neither acknowledged nor rejected. */
  get unsent(): number {
    return this.#progress.unacknowledged;
  }

  get nick(): string {
    return this.#nick;
  }

  get currentRoom(): string | undefined {
    return [...this.#rooms.values()].at(-1);
  }

  /**
   * Connects, and stays connected until {@linkcode quit}.
   *
   * @throws The error of the first connection, or of the last reconnect attempt.
   */
  async run(): Promise<void> {
    try {
      while (!this.#isLeaving) {
        const error = await this.#runConnection();
        if (this.#isLeaving) return;
        const isFirst = this.#progress.isFresh;
        if (isFirst || error instanceof UsageError || error instanceof RefusedByServerError) throw error;
        await this.#reconnecting.waitAfter(error, this.#isWelcome);
      }
    } catch (error) {
      this.#ready.reject(error);
      throw error;
    } finally {
      this.#progress[Symbol.dispose]();
      this.#settled?.resolve();
      this.#ended.resolve();
    }
  }

  /** Sends a request; `false` while there is no connection. */
  request(request: Request): boolean {
    if (request.type === "leave") this.#rooms.delete(keyOf(String(request.room)));
    return this.#session?.send(JSON.stringify(request), true) ?? false;
  }

  /** Publishes a message; it is resent under the same `id` until it is acknowledged or rejected. */
  publish(publish: Publish, id: string = crypto.randomUUID()): void {
    // A server would drop it or close the connection at every retry.
    if (publish.text.length > TEXT_LENGTH) {
      const text = `A message has at most ${TEXT_LENGTH} characters: this one has ${publish.text.length}`;
      return void this.#options.onEvent({ type: "error", code: "too-long", text, field: "text", id });
    }
    this.#progress.published(id, publish);
    const key = keyOf(publish.room);
    // Behind a join, in the order of the input; for a room that was not requested the server rejects it.
    const isPossible = this.#entered.has(key) || this.#asked.has(key) || !this.#rooms.has(key);
    if (isPossible) this.request({ type: "publish", id, ...publish });
  }

  /** Joins a room and makes it the current one; without a connection, once there is one. */
  join(room: string): boolean {
    const key = keyOf(room);
    const name = this.#rooms.get(key) ?? room;
    this.#rooms.delete(key);
    this.#rooms.set(key, name);
    const isSent = this.request({ type: "join", id: `${ENTER}${key}`, room });
    if (isSent) this.#asked.add(key);
    return isSent;
  }

  /** Waits until all publishes are acknowledged or rejected; `false` on timeout. */
  async settled(timeoutMs: number): Promise<boolean> {
    if (this.unsent === 0) return true;
    this.#settled ??= Promise.withResolvers();
    const timer = setTimeout(() => this.#settled?.resolve(), timeoutMs);
    await this.#settled.promise;
    clearTimeout(timer);
    return this.unsent === 0;
  }

  /** Leaves the chat: {@linkcode run} returns, after the server's goodbye or `byeMs`. */
  quit(byeMs?: number): void {
    this.#leaving.abort();
    const session = this.#session;
    if (session === undefined) return;
    if (byeMs === 0 || !this.request({ type: "quit" })) return void leave(session);
    if (byeMs === undefined) return;
    const timer = setTimeout(() => void leave(session), byeMs);
    this.#ended.promise.finally(() => clearTimeout(timer));
  }

  get #isLeaving(): boolean {
    return this.#leaving.signal.aborted;
  }

  /** Runs one connection; returns why it ended. */
  async #runConnection(): Promise<unknown> {
    this.#isWelcome = this.#isLeavingLobby = false;
    this.#said = "";
    this.#entered.clear();
    this.#asked.clear();
    this.#resuming.clear();
    try {
      const session = this.#session = await this.#dial();
      try {
        await this.#talk(session);
        const endpoint = formatEndpoint(session.remote);
        throw new ClosedEarlyError(`${endpoint} ended the conversation`, { endpoint });
      } catch (error) {
        throw this.#isOtherProtocol(error)
          ? unexpectedProtocol(session, this.#said)
          : refusalOf(session, error) ?? error;
      } finally {
        this.#session = undefined;
        await leave(session);
      }
    } catch (error) {
      return error;
    }
  }

  /** Whether the server responded, but not as a chat. */
  #isOtherProtocol(error: unknown): boolean {
    const hasEnded = error instanceof ClosedEarlyError || error instanceof TimeoutError;
    return hasEnded && !this.#isWelcome && this.#said !== "";
  }

  /** Quitting does not wait for a pending connection, which is closed if it opens. */
  async #dial(): Promise<Session> {
    const dialling = this.#options.dial();
    try {
      return await abortable(dialling, { signal: this.#leaving.signal });
    } catch (error) {
      if (this.#isLeaving) dialling.then(leave, () => {});
      throw error;
    }
  }

  async #talk(session: Session): Promise<void> {
    if (session.kind === "stream") {
      // In one turn and thus one write, so that no message comes between the change of format and the resume.
      for (const line of ["/mode json", ...this.#opening(true)]) session.send(line, true);
      this.#isLeavingLobby = !this.#rooms.has(LOBBY);
    }
    const greeting = new Deadline(this.#options.greetingMs);
    let isJson = session.kind === "websocket";
    for (;;) {
      const batch = await session.receive(this.#isWelcome ? undefined : greeting.wait());
      if (batch === null) return;
      for (const { data } of batch) {
        const text = new TextDecoder().decode(data);
        // Until the format has changed the server sends text.
        isJson ||= text.startsWith('{"type":"welcome"');
        if (!isJson && this.#said.length < SHOWN_CHARACTERS) this.#said += `${text}\n`;
        const event = isJson ? parseEvent(text) : undefined;
        if (event !== undefined) await this.#onEvent(event, session);
      }
    }
  }

  #onEvent(event: ChatEvent, session: Session): void | Promise<void> {
    switch (event.type) {
      case "welcome":
        return this.#onWelcome(event, session);
      case "message":
        return this.#onMessage(event);
      case "ping":
        return void this.request({ type: "pong" });
      case "joined":
        return this.#onJoined(event);
      case "unrecovered":
        this.#progress.unrecovered(event);
        break;
      case "left":
        if (event.id === LEAVE_LOBBY) return void (this.#isLeavingLobby = false);
        this.#rooms.delete(keyOf(event.room));
        this.#entered.delete(keyOf(event.room));
        break;
      case "nick":
        if (event.from === this.#nick) this.#nick = this.#wantedNick = event.to;
        break;
      case "ack":
        this.#settle(event.id);
        break;
      case "error":
        if (event.code === "login-failed") throw new RefusedByServerError(event.text);
        // A client banned from it was not in it.
        if (event.id === LEAVE_LOBBY) return void (this.#isLeavingLobby = false);
        // The opening requests were sent before the login.
        if (event.code === "login-required" && !this.#isWelcome) return;
        if (this.#isRetried(event)) return;
        this.#settle(event.id);
        this.#onRefusedRoom(event);
        break;
    }
    return this.#options.onEvent(event);
  }

  #onWelcome(event: ChatEvent & { type: "welcome" }, session: Session): void | Promise<void> {
    const { login } = this.#options;
    if (event.loginRequired) {
      if (login === undefined) throw new UsageError("the server requires a login: add --login NAME");
      return void this.request({ type: "login", ...login });
    }
    const isAgain = !this.#progress.isFresh;
    this.#isWelcome = true;
    this.#nick = event.nick;
    if (session.kind === "websocket" || login !== undefined) {
      for (const line of this.#opening(false)) session.send(line, true);
    }
    return isAgain ? this.#options.onStatus("connected again") : this.#options.onEvent(event);
  }

  #onMessage(event: ChatEvent & { type: "message" }): void | Promise<void> {
    if (this.#progress.advance(event)) return this.#options.onEvent(event);
  }

  #onJoined(event: ChatEvent & { type: "joined" }): void | Promise<void> {
    const key = keyOf(event.room);
    if (this.#isLeavingLobby && key === LOBBY) return;
    const isNew = this.#progress.positionOf(key) === undefined;
    // The change of format also reports #lobby; the response to the resume follows.
    if (this.#resuming.has(key) && event.id !== `${ENTER}${key}`) return;
    this.#resuming.delete(key);
    this.#progress.settle(`${ENTER}${key}`);
    this.#progress.joined(event);
    this.#rooms.set(key, event.room);
    const isSent = this.#asked.delete(key);
    this.#entered.add(key);
    if (!isSent) this.#sendOutstanding(key);
    this.#ready.resolve();
    if (isNew || !event.resumed) return this.#options.onEvent(event);
  }

  /** A room that cannot be joined is not requested again; without any room the client ends. */
  #onRefusedRoom({ id, text }: ChatEvent & { type: "error" }): void {
    if (!id?.startsWith(ENTER)) return;
    const key = id.slice(ENTER.length);
    const isAsked = this.#asked.delete(key);
    if (this.#entered.has(key)) return;
    this.#rooms.delete(key);
    if (isAsked) return;
    if (this.#rooms.size === 0) throw new RefusedByServerError(text);
    // The server rejects each of them.
    this.#sendOutstanding(key);
  }

  #sendOutstanding(key: string): void {
    for (const [id, publish] of this.#progress.outstanding(key)) this.request({ type: "publish", id, ...publish });
  }

  #opening(isInLobby: boolean): string[] {
    const requests: Request[] = [];
    const nick = this.#wantedNick;
    if (nick !== undefined && this.#options.login === undefined) requests.push({ type: "nick", nick });
    if (isInLobby && !this.#rooms.has(LOBBY)) requests.push({ type: "leave", id: LEAVE_LOBBY, room: LOBBY });
    for (const [key, room] of this.#rooms) {
      const id = `${ENTER}${key}`;
      const place = this.#progress.positionOf(key);
      if (place !== undefined) this.#resuming.add(key);
      if (place !== undefined || !isInLobby || key !== LOBBY) requests.push({ type: "join", id, room, ...place });
      else requests.push({ type: "history", id, room, count: 20 });
    }
    return requests.map((request) => JSON.stringify(request));
  }

  /** Retries requests that failed because of the server's history: messages are stored once per `id`. */
  #isRetried(refusal: ChatEvent & { type: "error" }): boolean {
    const { id, text } = refusal;
    if (id === undefined || this.#progress.publishOf(id) === undefined && !id.startsWith(ENTER)) return false;
    const wasRetrying = this.#progress.isRetrying;
    if (!this.#progress.isRetried(refusal)) return false;
    const { reconnectMs, onStatus } = this.#options;
    if (!wasRetrying) onStatus(`${text}; trying again for ${formatDuration(reconnectMs)}`);
    return true;
  }

  #askAgain(ids: readonly string[]): void {
    for (const id of ids) {
      const publish = this.#progress.publishOf(id);
      // Sent later if not connected or the room is not joined yet.
      if (publish !== undefined && this.#entered.has(keyOf(publish.room))) {
        this.request({ type: "publish", id, ...publish });
      }
      const room = id.startsWith(ENTER) ? this.#rooms.get(id.slice(ENTER.length)) : undefined;
      if (room !== undefined) this.request({ type: "join", id, room, ...this.#progress.positionOf(room) });
    }
  }

  #settle(id: string | undefined): void {
    if (this.#progress.settle(id) && this.unsent === 0) this.#settled?.resolve();
  }
}
