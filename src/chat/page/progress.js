/**
 * What a client of the chat remembers from one connection to the next: how far
 * it is in each room, what it published that is not acknowledged, and what the
 * server could not store or read for now. The page and `parley-client chat`
 * share it, so that both resume and repeat alike. No DOM, no network.
 *
 * @module
 */

/** @import { ChatEvent, EventOf, Position, Publish } from "./types.ts" */

/** Between two tries of what the server could not do for now. */
const RETRY_EVERY_MS = 1_000;

/**
 * Names that differ by case only are one.
 *
 * @param {string} name
 */
export function keyOf(name) {
  return name.toLowerCase();
}

/**
 * What a client decides about its {@linkcode Progress}.
 *
 * @typedef {object} ProgressOptions
 * @property {number} retryForMs How long a request is repeated that the server cannot serve for now.
 * @property {number} [retryEveryMs]
 * @property {() => number} [now] In milliseconds; the clock only runs forward.
 * @property {(ids: readonly string[]) => void} retry Makes requests again, by their ids, in the order of their refusal.
 */

export class Progress {
  #options;
  /** @type {Map<string, Position>} */
  #positions = new Map();
  /** @type {Map<string, Publish>} */
  #unacknowledged = new Map();
  /**
   * When each was refused first.
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

  /** How many publishes are neither acknowledged nor refused. */
  get unacknowledged() {
    return this.#unacknowledged.size;
  }

  /** Whether something is to be repeated. */
  get isRetrying() {
    return this.#refusedMs.size > 0;
  }

  /**
   * Where to go on in a room after a loss.
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
   * Nothing of the room is shown any more: it is entered as if for the first time.
   *
   * @param {string} room
   */
  forget(room) {
    this.#positions.delete(keyOf(room));
  }

  /**
   * Moves on to a live or missed message; `false` if the client is past it.
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
   * It is published until it is settled.
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
   * What is to be published again, in all rooms or in one.
   *
   * @param {string} [room]
   */
  outstanding(room) {
    const all = [...this.#unacknowledged];
    return room === undefined ? all : all.filter(([, publish]) => keyOf(publish.room) === keyOf(room));
  }

  /**
   * The request was served, or is not wanted any more; `false` if it was no outstanding publish.
   *
   * @param {string | undefined} id
   */
  settle(id) {
    if (id === undefined) return false;
    this.#refusedMs.delete(id);
    return this.#unacknowledged.delete(id);
  }

  /**
   * Whether a refused request is made again by itself. Under its `id` a message is stored once, so
   * that is safe; only what the server cannot do for now is worth it, and only for a time.
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

  /** Repeats nothing any more. */
  [Symbol.dispose]() {
    clearTimeout(this.#timer);
    this.#due = [];
    this.#refusedMs.clear();
  }
}
