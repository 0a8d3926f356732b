import { ChatError } from "./chat_error.ts";
import type { ModerationDecision } from "./decision.ts";
import type { History, RoomLog } from "./history.ts";
import type { Member } from "./member.ts";
import { type Restriction, untilText } from "./restrictions.ts";

/** Name of the log of server-wide decisions; not a valid room name. */
const SERVER_LOG = "*";

/** Server-wide bans, stored like the bans of a room and shared by the servers of a cluster. */
export class ServerBans {
  readonly #history: History;
  readonly #onDecision: (decision: ModerationDecision) => void;
  #opening: Promise<RoomLog> | undefined;
  #log: RoomLog | undefined;

  /** Empty before {@linkcode open}; `onDecision` receives each decision, of any server. */
  constructor(history: History, onDecision: (decision: ModerationDecision) => void) {
    this.#history = history;
    this.#onDecision = onDecision;
  }

  /** Reads earlier decisions. */
  open(): Promise<RoomLog> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Makes a decision, which takes effect when it comes back from the log. */
  async decide(decision: ModerationDecision): Promise<void> {
    await (await this.open()).decide(decision);
  }

  /** The ban that applies to a name or an address. */
  find(subjects: readonly (string | undefined)[]): Restriction | undefined {
    return this.#log?.state.restrictions.find("ban", subjects);
  }

  /**
   * Checks that a member is not banned, optionally under another name.
   *
   * @throws {ChatError} The member is banned.
   */
  check(member: Member, name?: string): void {
    if (this.#log?.state.restrictions.isEmpty) return;
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
