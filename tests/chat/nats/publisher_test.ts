import { assertEquals } from "@std/assert";
import { type Msg, TimeoutError } from "@nats-io/transport-node";
import type { NatsLink } from "../../../src/chat/nats/link.ts";
import { Publisher } from "../../../src/chat/nats/publisher.ts";

/** A link to a JetStream that stores a message and loses the first `lost` acknowledgements. */
function losingLink(lost: number) {
  const seqs = new Map<string, number>();
  let attempts = 0;
  let answer: ((error: Error | null, message: Msg) => void) | undefined;
  const link = {
    signal: new AbortController().signal,
    watch() {},
    whenReady: () => true,
    suspect() {},
    attempt: <T>(work: Promise<T>) => ++attempts > lost ? work : work.then(() => Promise.reject(new TimeoutError())),
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
