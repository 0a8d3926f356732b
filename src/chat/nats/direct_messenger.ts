import { messageOf } from "../../base/errors.ts";
import { isRecord, parseJson } from "../../base/json.ts";
import { ChatError } from "../chat_error.ts";
import type { Remote } from "../directory.ts";
import type { ChatEvent } from "../event.ts";
import type { NatsLink } from "./link.ts";
import { ANNOUNCEMENTS, serverSubject } from "./subjects.ts";

const ANSWER_MS = 2_000;
const ARRIVED = "arrived";
const NOT_HERE = "not here";

/** Receives the messages of a {@linkcode DirectMessenger}. */
interface Receivers {
  /** A message for one member; returns whether it is connected here. */
  onDirectMessage(id: string, event: ChatEvent): boolean;
  /** A message for everyone. */
  onAnnouncement(event: ChatEvent): void;
}

/** Sends private messages and announcements, which are not stored, to other servers. */
export class DirectMessenger {
  readonly #link: NatsLink;
  readonly #server: string;

  /** `server` is the ID of this one. */
  constructor(link: NatsLink, server: string) {
    this.#link = link;
    this.#server = server;
  }

  /** Starts to receive messages of other servers. */
  listen(receivers: Receivers): void {
    const { connection } = this.#link;
    connection.subscribe(serverSubject(this.#server), {
      callback: (error, message) => {
        const sent = error === null ? parseJson(message.string()) : undefined;
        if (!isRecord(sent) || typeof sent.to !== "string" || !isEvent(sent.event)) return;
        message.respond(receivers.onDirectMessage(sent.to, sent.event) ? ARRIVED : NOT_HERE);
      },
    });
    connection.subscribe(ANNOUNCEMENTS, {
      callback: (error, message) => {
        const sent = error === null ? parseJson(message.string()) : undefined;
        if (isRecord(sent) && sent.server !== this.#server && isEvent(sent.event)) receivers.onAnnouncement(sent.event);
      },
    });
  }

  /**
   * Sends a message to a member on another server.
   *
   * @throws {ChatError} The message was not delivered, or it is unknown whether it was.
   */
  async send({ id, nick, server }: Remote, event: ChatEvent): Promise<void> {
    let answer: string;
    try {
      const data = JSON.stringify({ to: id, event });
      const asking = this.#link.connection.request(serverSubject(server), data, { timeout: ANSWER_MS });
      answer = (await this.#link.attempt(asking)).string();
    } catch (cause) {
      throw new ChatError("not-stored", `The server of ${nick} does not respond: ${messageOf(cause)}`, { cause });
    }
    if (answer !== ARRIVED) throw new ChatError("no-such-nick", `${nick} has just left`, { field: "nick" });
  }

  /**
   * Sends a message to all other servers.
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

/** Only servers may publish to these subjects, so the content is trusted. */
function isEvent(value: unknown): value is ChatEvent {
  return isRecord(value) && typeof value.type === "string";
}
