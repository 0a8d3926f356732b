import type { ChatEvent } from "./event.ts";
import type { Told } from "./fan_out.ts";

/** Members from which on comings and goings are told a few times a second, many at once. */
const CROWD = 100;
const PERIOD_MS = 200;
const PRESENCE: ReadonlySet<ChatEvent["type"]> = new Set(["join", "leave", "nick"]);

/**
 * The comings and goings of a crowd. A thousand members who come at once would
 * be told a million times: they are told in turns, many at once.
 */
export class PresenceQueue {
  readonly #tell: (news: Told) => void;
  readonly #waiting: Told[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `tell` is called with each of them, in order. */
  constructor(tell: (news: Told) => void) {
    this.#tell = tell;
  }

  /** Takes what a crowd of that size need not be told at once; `false` if it must. */
  take(news: Told, size: number): boolean {
    if (size <= CROWD || !PRESENCE.has(news.event.type)) return false;
    this.#waiting.push(news);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const news of this.#waiting.splice(0)) this.#tell(news);
    }, PERIOD_MS);
    return true;
  }

  /** Nobody is there to be told. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
