import { assertEquals } from "@std/assert";
import { type Msg, TimeoutError } from "@nats-io/transport-node";
import { ChatError } from "../../../src/chat/chat_error.ts";
import type { NatsLink } from "../../../src/chat/nats/link.ts";
import { Publisher } from "../../../src/chat/nats/publisher.ts";
import { nextTurn } from "../../../src/net/wait.ts";

/** A link to a JetStream that stores a message, waits for `open`, and loses the first `lost` acknowledgements. */
function losingLink(lost: number, open: Promise<void> = Promise.resolve()) {
  const seqs = new Map<string, number>();
  let attempts = 0;
  let answer: ((error: Error | null, message: Msg) => void) | undefined;
  const link = {
    signal: new AbortController().signal,
    watch() {},
    whenReady: () => true,
    suspect() {},
    attempt: async <T>(work: Promise<T>) => {
      const isLost = ++attempts <= lost;
      await open;
      return isLost ? work.then(() => Promise.reject(new TimeoutError())) : work;
    },
    connection: {
      subscribe: (_: string, { callback }: { callback: typeof answer }) => answer = callback,
      publish(_: string, __: string, { reply, headers }: { reply: string; headers: { get(name: string): string } }) {
        const id = headers.get("Nats-Msg-Id");
        const duplicate = seqs.has(id);
        if (!duplicate) seqs.set(id, seqs.size + 1);
        const json = () => ({ seq: seqs.get(id), duplicate });
        queueMicrotask(() => answer?.(null, { subject: reply, data: new Uint8Array(1), json } as unknown as Msg));
      },
    },
  };
  return link as unknown as NatsLink;
}

for (const lost of [0, 1, 2]) {
  Deno.test(`Publisher: a message whose acknowledgement is lost ${lost} times is new, but a duplicate when the client resends it`, async () => {
    const publisher = new Publisher(losingLink(lost), "here");
    const draft = { from: "ann", text: "x", id: "1" };
    assertEquals(await publisher.store("room", draft), { seq: 1, isDuplicate: false });
    assertEquals(await publisher.store("room", draft), { seq: 1, isDuplicate: true });
    assertEquals(await publisher.store("room", { ...draft, id: "2" }), { seq: 2, isDuplicate: false });
  });
}

Deno.test("Publisher lets 10,000 messages wait (MAX_WAITING), rejects the next, and takes as many again", async () => {
  const open = Promise.withResolvers<void>();
  const publisher = new Publisher(losingLink(0, open.promise), "here");
  const store = (id: number) => publisher.store("room", { from: "ann", text: "x", id: String(id) });
  const stored = Array.from({ length: 10_000 }, (_, id) => store(id));
  const rejected = await Promise.race([store(10_000), nextTurn()]);
  assertEquals(rejected instanceof ChatError && rejected.code, "not-stored");
  open.resolve();
  for (const result of await Promise.all(stored)) assertEquals(result instanceof ChatError, false);
  assertEquals(await store(10_001), { seq: 10_001, isDuplicate: false });
});
