import type { Session } from "../session/session.ts";
import { excerpt } from "../base/bytes.ts";
import { defineService } from "./service.ts";

/** Sends a greeting, waits for one reply, logs it, closes. */
export const greet = defineService({
  endpoints: ["tcp://127.0.0.1:8028"],
  framing: "line",
  flags: {
    greeting: { type: "text", allowsEmpty: true, default: "Hey What's up?", help: "greeting to send" },
  },
  examples: [
    { words: "greet :9000 --greeting 'Who is there?' --idle-timeout 30s", does: "wait at most 30 s for a reply" },
  ],
  create({ greeting }) {
    return {
      async serve(session: Session): Promise<void> {
        session.send(greeting, true);
        const reply = (await session.receive())?.[0];
        if (reply === undefined) session.log.info("left without a reply");
        else session.log.info("replied", { reply: excerpt(reply.data) });
      },
    };
  },
});
