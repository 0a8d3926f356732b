import { ChatError } from "./chat_error.ts";
import type { ModerationDecision } from "./decision.ts";
import type { History, RoomLog } from "./history.ts";
import type { Member } from "./member.ts";
import { type Restriction, untilText } from "./restrictions.ts";

/** The log of decisions about the whole server; no room has this name. */
const SERVER_LOG = "*";

/** Who is kept out of the whole server, stored like the bans of a room and shared by the servers of a cluster. */
export class ServerBans {
  readonly #history: History;
  readonly #onDecision: (decision: ModerationDecision) => void;
  #opening: Promise<RoomLog> | undefined;
  #log: RoomLog | undefined;

  /** No one is banned before {@linkcode open}; `onDecision` is called with each decision, of whichever server. */
  constructor(history: History, onDecision: (decision: ModerationDecision) => void) {
    this.#history = history;
    this.#onDecision = onDecision;
  }

  /** Reads what was decided before. */
  open(): Promise<RoomLog> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Decides something; it is done when it comes back from the log. */
  async decide(decision: ModerationDecision): Promise<void> {
    await (await this.open()).decide(decision);
  }

  /** The ban that applies to a name or an address. */
  find(subjects: readonly (string | undefined)[]): Restriction | undefined {
    return this.#log?.state.restrictions.find("ban", subjects);
  }

  /**
   * Rejects a member that is banned, or would be under another name.
   *
   * @throws {ChatError} It is.
   */
  check(member: Member, name?: string): void {
    const ban = member.isServerOperator ? undefined : this.find([name, ...member.subjects]);
    if (ban) throw new ChatError("banned", `You are banned from this server${untilText(ban)}`);
  }

  async #open(): Promise<RoomLog> {
    const log = await this.#history.open(SERVER_LOG, () => {}, (decision) => {
      if (decision.action !== "topic") this.#onDecision(decision);
    });
    return this.#log = log;
  }
}
