import { concat, toUpperAscii, utf8 } from "../base/bytes.ts";
import type { Message, Session } from "../session/session.ts";
import { answerBatch, echoBatch } from "./session_input.ts";
import { defineService } from "./service.ts";

/** Sends received data back (RFC 862); with a framing, message by message. */
export const echo = defineService({
  endpoints: ["tcp://127.0.0.1:8888"],
  framing: "raw",
  flags: {
    prefix: {
      type: "text",
      allowsEmpty: true,
      placeholder: "TEXT",
      help: "text before each message; {id} numbers the connection",
    },
    upper: { type: "boolean", help: "convert ASCII letters to upper case" },
  },
  examples: [
    { words: "echo :9000 --framing line --prefix '[echo #{id}] '", does: "echo lines, each with the client's number" },
  ],
  create({ prefix, upper }) {
    const isUnchanged = prefix === undefined && !upper;
    const body = ({ data }: Message) => upper ? toUpperAscii(data) : data;
    return {
      async serve(session: Session): Promise<void> {
        const lead = prefix === undefined ? undefined : utf8(prefix.replaceAll("{id}", String(session.id)));
        const reply = lead === undefined ? body : (message: Message) => concat([lead, body(message)]);
        for (let batch = await session.receive(); batch; batch = await session.receive()) {
          await (isUnchanged ? echoBatch(session, batch) : answerBatch(session, batch, reply));
        }
      },
    };
  },
});
