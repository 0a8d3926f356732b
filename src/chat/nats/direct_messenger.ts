import type { Msg } from "@nats-io/transport-node";
import { messageOf } from "../../base/errors.ts";
import { ChatError } from "../chat_error.ts";
import type { Remote } from "../directory.ts";
import type { ChatEvent } from "../event.ts";
import type { NatsLink } from "./link.ts";
import { ANNOUNCEMENTS, serverSubject } from "./subjects.ts";

const ANSWER_MS = 2_000;
const ARRIVED = "arrived";
const NOT_HERE = "not here";

/** Who takes what a {@linkcode DirectMessenger} brings. */
export interface Receivers {
  /** Something for one member; whether it is here. */
  onDirectMessage(id: string, event: ChatEvent): boolean;
  /** Something for everyone. */
  onAnnouncement(event: ChatEvent): void;
}

/** Sends private messages and announcements, which are not stored, to other servers. */
export class DirectMessenger {
  readonly #link: NatsLink;
  readonly #server: string;

  /** `server` names this one. */
  constructor(link: NatsLink, server: string) {
    this.#link = link;
    this.#server = server;
  }

  /** Starts to take what the other servers send. */
  listen(receivers: Receivers): void {
    const { connection } = this.#link;
    connection.subscribe(serverSubject(this.#server), {
      callback: (error, message) => {
        const sent = error === null ? parse(message) : undefined;
        if (typeof sent?.to !== "string" || !isEvent(sent.event)) return;
        message.respond(receivers.onDirectMessage(sent.to, sent.event) ? ARRIVED : NOT_HERE);
      },
    });
    connection.subscribe(ANNOUNCEMENTS, {
      callback: (error, message) => {
        const told = error === null ? parse(message) : undefined;
        if (told?.server !== this.#server && isEvent(told?.event)) receivers.onAnnouncement(told.event);
      },
    });
  }

  /**
   * Brings something to one person on another server.
   *
   * @throws {ChatError} It did not arrive, or nobody knows.
   */
  async send({ id, nick, server }: Remote, event: ChatEvent): Promise<void> {
    let answer: string;
    try {
      const data = JSON.stringify({ to: id, event });
      const asking = this.#link.connection.request(serverSubject(server), data, { timeout: ANSWER_MS });
      answer = (await this.#link.attempt(asking)).string();
    } catch (cause) {
      throw new ChatError("not-stored", `The server of ${nick} does not answer: ${messageOf(cause)}`, { cause });
    }
    if (answer !== ARRIVED) throw new ChatError("no-such-nick", `${nick} has just left`, { field: "nick" });
  }

  /**
   * Tells all other servers.
   *
   * @throws {ChatError} NATS is unreachable.
   */
  announce(event: ChatEvent): void {
    if (!this.#link.isReady) {
      throw new ChatError("not-stored", "NATS is unreachable: only the members of this server received it");
    }
    this.#link.connection.publish(ANNOUNCEMENTS, JSON.stringify({ server: this.#server, event }));
  }
}

function parse(message: Msg): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(message.string());
    return typeof value === "object" && value !== null ? value as Readonly<Record<string, unknown>> : undefined;
  } catch {
    // Another program speaks on our subjects.
    return undefined;
  }
}

/** Only servers may speak on these subjects: what comes is theirs. */
function isEvent(value: unknown): value is ChatEvent {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
