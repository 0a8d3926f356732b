import { assertEquals } from "@std/assert";
import { Archive } from "../../../src/chat/nats/archive.ts";
import type { NatsLink } from "../../../src/chat/nats/link.ts";

/** A stream with the messages of one room, under these numbers; `starts` are the numbers that were asked for. */
function fakeLink(numbers: readonly number[]) {
  const starts: number[] = [];
  const from = (start: number) => numbers.filter((seq) => seq >= start);
  const messageOf = (seq: number) => ({
    seq,
    subject: "room.x",
    timestamp: "2026-11-22T06:00:00Z",
    string: () => JSON.stringify({ from: "ann", text: `text ${seq}` }),
  });
  const link = {
    attempt: <T>(work: Promise<T>) => work,
    jsm: {
      consumers: {
        add(_: string, { opt_start_seq }: { opt_start_seq: number }) {
          // Each step doubles the range at least: more of them would never end.
          if (starts.push(opt_start_seq) > 60) throw new Error("it does not stop asking");
          return Promise.resolve({ name: String(opt_start_seq), num_pending: from(opt_start_seq).length });
        },
      },
    },
    js: {
      consumers: {
        get: (_: string, name: string) =>
          Promise.resolve({
            fetch: ({ max_messages }: { max_messages: number }) =>
              Promise.resolve(from(Number(name)).slice(0, max_messages).map(messageOf)),
          }),
      },
    },
  };
  return { archive: new Archive(link as unknown as NatsLink), starts };
}

async function last(numbers: readonly number[], upTo: number, limit: number) {
  const { archive, starts } = fakeLink(numbers);
  const found = await archive.last("room.x", upTo, limit);
  return { found: found.map(({ seq }) => seq), starts };
}

Deno.test("Archive.last() asks no further back than the messages that it returns", async () => {
  const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
  assertEquals(await last(numbers, 90, 5), { found: [86, 87, 88, 89, 90], starts: [91, 81] });
});

Deno.test("Archive.last() goes back in growing steps in a room with few messages, and stops at the first", async () => {
  assertEquals(await last([3, 7, 995], 1_000, 2), { found: [7, 995], starts: [1_001, 997, 981, 917, 661, 1] });
  assertEquals(await last([995], 1_000, 2), { found: [995], starts: [1_001, 997, 981, 917, 661, 1] });
});
