/** ABUSE: the chat over plain TCP, cases 1, 2, 9, 10, 17, 18, 22 and 23. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { enterChat } from "../support/chat_peer.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { type AbuseCase, residentBytes, type Target, withAbuse } from "./support.ts";

const MIB = 1024 * 1024;
const BATCH = 50;
/** Rounds until the heap is as large as it has to be. */
const WARM_UP_ROUNDS = 4;
/** How much more memory the six rounds after these may leave, where each sends 20 MB. */
const FURTHER_BOUND_BYTES = 48 * MIB;

/** The chat, with a witness alone in a room of its own, where a line of anybody else would be noticed. */
function withChat(abuse: AbuseCase["abuse"], memoryBoundBytes?: number): Promise<void> {
  let peer: LinePeer | undefined;
  return withAbuse({
    args: ["chat"],
    async greet(witness) {
      peer = new LinePeer(witness);
      await peer.send("/nick witness\n/join den\n/leave lobby\n/msg nobody-is-called-so ready");
      await peer.until(/^! /);
    },
    async roundTrip() {
      await peer?.send("/who");
      assertEquals(await peer?.line(), "* In #den: @witness");
    },
    abuse,
    ...memoryBoundBytes === undefined ? {} : { memoryBoundBytes },
  });
}

/** Everything that the server sends after the greeting, up to its end. */
async function answersTo(endpoint: string, bytes: Uint8Array | string): Promise<string[]> {
  using conn = await dial(endpoint);
  await writeAll(conn, bytes);
  const lines = (await readTextToEnd(conn)).trimEnd().split("\n");
  return lines.filter((line) => line.startsWith("! "));
}

Deno.test("abuse 1: random bytes, NULs, a TLS hello on the chat: one error, then the end, nothing relayed", () =>
  withChat(async ({ endpoint, until }) => {
    const listener = await enterChat(endpoint, "listener");
    const hello = Uint8Array.fromHex("16030102000100" + "01fc0303" + "5a".repeat(60) + "0a" + "00".repeat(400));
    const random = crypto.getRandomValues(new Uint8Array(1_024)).map((byte) => byte === 0x0a ? 0 : byte);
    random.set([0, 0x0a], 500);
    for (const bytes of [hello, random, new Uint8Array(600).fill(0, 0, 599).fill(0x0a, 599)]) {
      assertEquals((await answersTo(endpoint, bytes)).length, 1);
    }
    await listener.send("/quit");
    for (let line = await listener.line(); line !== undefined; line = await listener.line()) {
      assertMatch(line, /^\* /, "something was relayed");
    }
    listener.conn.close();
    assertEquals((await until(({ open }) => open === 1)).closedByReason["bad message"], 3);
  }));

Deno.test("abuse 2: an HTTP GET on the chat's TCP port: one error, then the end", () =>
  withChat(async ({ endpoint }) => {
    const answers = await answersTo(endpoint, "GET / HTTP/1.1\r\nHost: chat\r\nUser-Agent: x\r\n\r\n");
    assertEquals(answers.length, 1);
    assertMatch(answers[0] ?? "", /not a web server/);
  }));

Deno.test("abuse 9: a line that is not UTF-8 is an error to its sender and is not relayed", () =>
  withChat(async ({ endpoint }) => {
    using sender = await enterChat(endpoint, "sender");
    using listener = await enterChat(endpoint, "listener");
    await writeAll(sender.conn, Uint8Array.of(0x61, 0xff, 0xfe, 0x0a));
    await sender.until(/^! The line is not valid UTF-8/);
    await sender.send("fine");
    assertEquals(await listener.until(/^\[/), "[#lobby] sender: fine");
  }));

Deno.test("abuse 10: empty lines, blanks, control characters and terminal escapes are not relayed raw", () =>
  withChat(async ({ endpoint }) => {
    using sender = await enterChat(endpoint, "sender");
    using listener = await enterChat(endpoint, "listener");
    await sender.send("\n   \n\x1b[2Jcleared\x07\x9b31m\u202e\nlast");
    for (let line = await listener.line(); line !== "[#lobby] sender: last"; line = await listener.line()) {
      // deno-lint-ignore no-control-regex
      assertEquals(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/.test(line ?? ""), false, JSON.stringify(line));
      assert(line !== undefined && !/^\[#lobby\] sender: *$/.test(line), "an empty message was relayed");
    }
  }));

Deno.test("abuse 10: a flood of empty lines: errors up to a bound, then the end, and the others do not wait", () =>
  withChat(async ({ endpoint, until }) => {
    for (let round = 0; round < 5; round++) {
      const answers = await answersTo(endpoint, "\n".repeat(20_000)).catch(() => []);
      assert(answers.length <= 1_001, `${answers.length} errors were told`);
    }
    const { closedByReason } = await until(({ open }) => open === 1);
    assertEquals((closedByReason["bad message"] ?? 0) + (closedByReason.reset ?? 0), 5);
  }));

Deno.test("abuse 17: a member stops reading while 10,000 messages arrive: dropped alone, everyone else gets all in order", () =>
  withChat(async (target) => {
    const left: number[] = [];
    for (let round = 1; round <= WARM_UP_ROUNDS + 6; round++) {
      await stallOneMember(target, round);
      left.push(residentBytes(target.server.pid));
    }
    const grown = (left.at(-1) ?? 0) - (left[WARM_UP_ROUNDS - 1] ?? 0);
    assert(grown < FURTHER_BOUND_BYTES, `after each round: ${left.join(", ")} bytes`);
  }, 256 * MIB));

/** One member does not read, one does, and one sends 20 MB to both. */
async function stallOneMember({ endpoint, until }: Target, round: number): Promise<void> {
  const stalled = await enterChat(endpoint, `stalled${round}`);
  using listener = await enterChat(endpoint, `listener${round}`);
  using sender = await enterChat(endpoint, `sender${round}`);
  const count = 10_000;
  const text = "x".repeat(2_000);
  for (let number = 0; number < count; number += BATCH) {
    await writeAll(sender.conn, Array.from({ length: BATCH }, (_, at) => `${number + at} ${text}\n`).join(""));
    // The listener keeps up: one that did not would be dropped too, and rightly.
    for (let at = 0; at < BATCH; at++) {
      const line = await listener.until(/^\[/);
      assertEquals(line.split(" ").slice(0, 3), ["[#lobby]", `sender${round}:`, String(number + at)]);
    }
  }
  const { closedByReason } = await until((sight) => sight.closedByReason["slow consumer"] === round);
  assertEquals(closedByReason["slow consumer"], round);
  stalled.conn.close();
}

Deno.test("abuse 18: a member that reads slowly but steadily is not dropped", () =>
  withChat(async ({ endpoint, sight }) => {
    using slow = await enterChat(endpoint, "slow");
    using sender = await enterChat(endpoint, "sender");
    const sending = (async () => {
      for (let number = 0; number < 200; number++) {
        await sender.send(`${number} ${"x".repeat(3_000)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    for (let number = 0; number < 200; number++) {
      assertEquals((await slow.until(/^\[/)).split(" ")[2], String(number));
      await new Promise((resolve) => setTimeout(resolve, 8));
    }
    await sending;
    assertEquals((await sight()).closedByReason, {});
  }));

Deno.test("abuse 22: 1,000 disconnects in the middle of joining: no ghost member", () =>
  withChat(async ({ endpoint, until }) => {
    const pieces = ["", "/nick gh", "/nick ghost\n/join de", "/join dev\n", "half a line"];
    for (let round = 0; round < 50; round++) {
      await Promise.all(Array.from({ length: 20 }, async (_, index) => {
        const conn = await dial(endpoint);
        await writeAll(conn, pieces[index % pieces.length] ?? "");
        conn.close();
      }));
    }
    await until(({ open, accepted }) => open === 1 && accepted === 1_001);
    using late = await enterChat(endpoint, "late");
    await late.send("/who\n/rooms");
    assertEquals(await late.until(/^\* In #lobby/), "* In #lobby: @late");
    assertEquals([await late.line(), await late.line()].sort(), ["* #den has 1 person", "* #lobby has 1 person"]);
  }, 120 * MIB));

Deno.test("abuse 23: joining and leaving one room from many sides at once: consistent at the end", () =>
  withChat(async ({ endpoint }) => {
    using members = new DisposableStack();
    const peers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => members.use(await enterChat(endpoint, `m${index}`))),
    );
    await Promise.all(peers.map(async (peer, index) => {
      for (let round = 0; round < 25; round++) await peer.send("/join crowd\n/leave crowd");
      // Every second one stays.
      await peer.send(index % 2 === 0 ? "/join crowd" : "/join crowd\n/leave crowd");
      await peer.send("/msg nobody-is-called-so done");
      await peer.until(/^! /);
    }));
    using late = await enterChat(endpoint, "late");
    await late.send("/join crowd");
    const names = (await late.until(/^\* You are in #crowd with /)).replace(/^.* with /, "").split(", ");
    const expected = ["late", ...peers.flatMap((_, index) => index % 2 === 0 ? [`m${index}`] : [])];
    assertEquals(names.map((name) => name.replace(/^@/, "")).sort(), expected.sort());
  }));
