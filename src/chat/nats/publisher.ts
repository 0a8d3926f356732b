import { formatHex } from "../../base/bytes.ts";
import { messageOf } from "../../base/errors.ts";
import { Deadline } from "../../net/deadline.ts";
import { ChatError } from "../chat_error.ts";
import type { Draft } from "../message.ts";
import { repetitionKey } from "../message.ts";
import { type Acknowledgement, Acknowledgements } from "./acknowledgements.ts";
import { isOutage } from "./connect_nats.ts";
import type { NatsLink } from "./link.ts";
import { encodeDraft } from "./stored_message.ts";

/** Time limit for NATS to store a message. */
const PUBLISH_WAIT_MS = 5_000;
const ANSWER_MS = 2_000;
/** Maximum queued messages of all rooms. */
const MAX_WAITING = 10_000;

/** Publishes messages to JetStream and retries them under the same ID until they are stored. */
export class Publisher {
  readonly #link: NatsLink;
  readonly #acknowledgements: Acknowledgements;
  readonly #origin: string;
  #waiting = 0;

  /** `origin` is the ID of this server in every message. */
  constructor(link: NatsLink, origin: string) {
    this.#link = link;
    this.#acknowledgements = new Acknowledgements(link, ANSWER_MS);
    this.#origin = origin;
  }

  /** Stores a message; messages of one turn are stored in order. */
  async store(subject: string, draft: Draft): Promise<Acknowledgement | ChatError> {
    if (this.#waiting >= MAX_WAITING) {
      return new ChatError("not-stored", "Too many messages are queued for the server's history; nothing was stored");
    }
    this.#waiting++;
    try {
      return await this.#store(subject, draft);
    } finally {
      this.#waiting--;
    }
  }

  async #store(subject: string, draft: Draft): Promise<Acknowledgement | ChatError> {
    const deadline = new Deadline(PUBLISH_WAIT_MS);
    const data = encodeDraft(draft, this.#origin);
    const msgID = draft.id === undefined
      ? crypto.randomUUID()
      : formatHex(repetitionKey(subject, draft.sender ?? "", draft.id));
    for (let tries = 1;; tries++) {
      const ready = this.#link.whenReady(deadline.remainingMs);
      if (ready !== true && !await ready) return notStored(tries > 1);
      try {
        const { seq, isDuplicate } = await this.#link.attempt(this.#acknowledgements.publish(subject, data, msgID));
        // A retry without an earlier acknowledgement has found its own message.
        return { seq, isDuplicate: isDuplicate && tries === 1 };
      } catch (error) {
        if (!isOutage(error)) return new ChatError("not-stored", `Nothing was stored: ${messageOf(error)}`);
        this.#link.suspect(messageOf(error));
        if (deadline.remainingMs === 0) return notStored(true);
      }
    }
  }
}

function notStored(mayBeStored: boolean): ChatError {
  return new ChatError(
    "not-stored",
    mayBeStored
      ? "NATS became unreachable: this may be stored or not; sent again with the same id, it is stored once"
      : "NATS is unreachable: nothing was stored; try again later",
  );
}
