import { messageOf } from "../base/errors.ts";
import type { Logger } from "../log/logger.ts";
import { ChatError } from "./chat_error.ts";
import type { Directory } from "./directory.ts";
import type { ChatEvent } from "./event.ts";
import type { Member } from "./member.ts";
import { checkNick } from "./names.ts";
import type { ServerBans } from "./server_bans.ts";

/** Options of {@linkcode Renaming}. */
interface RenamingOptions {
  readonly log: Logger;
  readonly directory: Directory;
  readonly serverBans: ServerBans;
  /** Whether members must keep the name of their login. */
  readonly areFixed: boolean;
  /** Notifies each local member of the rooms once. */
  readonly notifyRooms: (roomKeys: Iterable<string>, event: ChatEvent, by?: Member) => void;
}

/** Gives members their names: at their request, or because another member has the name. */
export class Renaming {
  readonly #options: RenamingOptions;

  constructor(options: RenamingOptions) {
    this.#options = options;
  }

  /**
   * Renames a member, and notifies everyone who shares a room with it.
   *
   * @throws {ChatError} The name is not valid, or taken.
   */
  rename(member: Member, nick: string, id?: string): void | Promise<void> {
    const from = member.nick;
    if (this.#options.areFixed) {
      throw new ChatError("bad-nick", `You are logged in as ${from}: that is your name`);
    }
    const to = checkNick(nick);
    if (to === from) return member.deliver({ type: "nick", from, to, id });
    this.#options.serverBans.check(member, to);
    for (const room of member.rooms.values()) room.checkNotMuted(member, "change your name");
    const taking = this.#options.directory.rename(member, to);
    if (taking === undefined) this.#announceRename(member, from, id);
    else return taking.then(() => this.#announceRename(member, from, id));
  }

  /** The name, or the first free one of NAME_2, NAME_3 and so on. */
  async takeFree(member: Member, name: string, from = 1): Promise<void> {
    for (let count = from;; count++) {
      try {
        return await this.#options.directory.rename(member, count === 1 ? name : `${name}_${count}`);
      } catch (error) {
        if (!(error instanceof ChatError) || error.code !== "nick-taken") throw error;
      }
    }
  }

  /** Renames a local member whose name a member of another server has, and keeps. */
  async renameAgain(member: Member): Promise<void> {
    const from = member.nick;
    const why = `someone on another server took the name ${from} while this one was cut off`;
    try {
      await this.takeFree(member, from, 2);
    } catch (error) {
      this.#options.log.warning("a member has lost its name", { name: from, error: messageOf(error) });
      member.deliver({ type: "bye", reason: why });
      return void member.session.finish("kicked");
    }
    if (member.isGone) return;
    member.deliver({ type: "notice", text: `You are ${member.nick} now: ${why}` });
    this.#announceRename(member, from);
  }

  #announceRename(member: Member, from: string, id?: string): void {
    const event: ChatEvent = { type: "nick", from, to: member.nick };
    member.deliver({ ...event, id });
    this.#options.notifyRooms(member.rooms.keys(), event, member);
  }
}
