/**
 * The state of a chat client across connections: its position in each room, unacknowledged publishes, and requests that
 * the server could not serve temporarily. Shared by the page and `parley-client chat`, so that both resume and retry in
 * the same way. No DOM, no network.
 *
 * @module
 */

/** @import { ChatEvent, EventOf, Position, Publish } from "./types.ts" */

/** Delay between retries. */
const RETRY_EVERY_MS = 1_000;

/**
 * Key of a name: names that differ only by case are equal.
 *
 * @param {string} name
 */
export function keyOf(name) {
  return name.toLowerCase();
}

/**
 * Options of {@linkcode Progress}.
 *
 * @typedef {object} ProgressOptions
 * @property {number} retryForMs How long to retry requests that the server cannot serve temporarily.
 * @property {number} [retryEveryMs]
 * @property {() => number} [now] Monotonic clock in milliseconds.
 * @property {(ids: readonly string[]) => void} retry Repeats requests by their IDs, in the order of their rejection.
 */

export class Progress {
  #options;
  /** @type {Map<string, Position>} */
  #positions = new Map();
  /** @type {Map<string, Publish>} */
  #unacknowledged = new Map();
  /**
   * Time of each request's first rejection.
   *
   * @type {Map<string, number>}
   */
  #refusedMs = new Map();
  /** @type {string[]} */
  #due = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {ProgressOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Whether no room has been entered. */
  get isFresh() {
    return this.#positions.size === 0;
  }

  /** Number of publishes neither acknowledged nor rejected. */
  get unacknowledged() {
    return this.#unacknowledged.size;
  }

  /** Whether a retry is pending. */
  get isRetrying() {
    return this.#refusedMs.size > 0;
  }

  /**
   * Position to resume a room at.
   *
   * @param {string} room
   */
  positionOf(room) {
    return this.#positions.get(keyOf(room));
  }

  /** @param {EventOf<"joined">} event */
  joined({ room, epoch, seq, resumed }) {
    if (!resumed) this.#positions.set(keyOf(room), { epoch, seq });
  }

  /** @param {EventOf<"unrecovered">} event */
  unrecovered({ room, epoch, seq }) {
    this.#positions.set(keyOf(room), { epoch, seq });
  }

  /**
   * Forgets a room, so that it is joined as if for the first time.
   *
   * @param {string} room
   */
  forget(room) {
    this.#positions.delete(keyOf(room));
  }

  /**
   * Advances to a live or missed message; `false` if the client is already past it.
   *
   * @param {EventOf<"message">} message
   */
  advance({ room, epoch, seq }) {
    const position = this.positionOf(room);
    if (position?.epoch === epoch && seq <= position.seq) return false;
    this.#positions.set(keyOf(room), { epoch, seq });
    return true;
  }

  /**
   * Adds a publish, which is repeated until it is settled.
   *
   * @param {string} id
   * @param {Publish} publish
   */
  published(id, publish) {
    this.#unacknowledged.set(id, publish);
  }

  /** @param {string} id */
  publishOf(id) {
    return this.#unacknowledged.get(id);
  }

  /**
   * Unsettled publishes, of all rooms or of one.
   *
   * @param {string} [room]
   */
  outstanding(room) {
    const all = [...this.#unacknowledged];
    return room === undefined ? all : all.filter(([, publish]) => keyOf(publish.room) === keyOf(room));
  }

  /**
   * Settles or cancels a request; `false` if it was not a pending publish.
   *
   * @param {string | undefined} id
   */
  settle(id) {
    if (id === undefined) return false;
    this.#refusedMs.delete(id);
    return this.#unacknowledged.delete(id);
  }

  /**
   * Whether a rejected request is retried automatically: for temporary errors and a limited time. Retries are safe,
   * because a message is stored once per `id`.
   *
   * @param {Pick<EventOf<"error">, "code" | "id">} refusal
   */
  isRetried({ code, id }) {
    if (code !== "not-stored" || id === undefined) return false;
    const nowMs = (this.#options.now ?? performance.now.bind(performance))();
    const firstMs = this.#refusedMs.get(id) ?? nowMs;
    if (nowMs - firstMs >= this.#options.retryForMs) return false;
    this.#refusedMs.set(id, firstMs);
    this.#due.push(id);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#options.retry(this.#due.splice(0).filter((due) => this.#refusedMs.has(due)));
    }, this.#options.retryEveryMs ?? RETRY_EVERY_MS);
    return true;
  }

  /** Stops all retries. */
  [Symbol.dispose]() {
    clearTimeout(this.#timer);
    this.#due = [];
    this.#refusedMs.clear();
  }
}
