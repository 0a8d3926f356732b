/** ABUSE: HTTP and WebSocket peers that break the rules, cases 14, 15 and 24 to 28. */

import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { withinTime } from "../support/give_back.ts";
import { writeAll } from "../support/peer.ts";
import { startServer } from "../support/program.ts";
import { closeFrameOf, codeOf, frameOf, joined, upgradeRequest, WebSocketPeer } from "../support/websocket_peer.ts";
import { serveWebSocket } from "../support/websocket_server.ts";

const hostOf = (endpoint: string) => new URL(endpoint).host;

/** Another client of the same server, which must see nothing of the abuse. */
async function assertStillServes(endpoint: string): Promise<void> {
  using peer = await WebSocketPeer.open(endpoint);
  await peer.text("still there?");
  assertEquals(await peer.textMessage(), "still there?");
  await peer.send(closeFrameOf(1000));
  assertEquals(codeOf(await peer.frame() ?? { opcode: 0, fin: true, payload: new Uint8Array() }), 1000);
}

Deno.test("abuse 14: a head that drips in is answered with 408 at the total deadline", async () => {
  await using served = await serveWebSocket({ headTimeout: 300 });
  using peer = await WebSocketPeer.dial(served.endpoint);
  const startMs = performance.now();
  // A byte every 20 ms: the head would be whole after six seconds.
  const text = upgradeRequest(hostOf(served.endpoint), { fields: { "X-Pad": "a".repeat(150) } });
  let at = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const drip = setInterval(() => {
    const byte = new TextEncoder().encode(text[at++]);
    writing = writing.then(() => peer.conn.write(byte)).catch(() => clearInterval(drip));
  }, 20);
  const { status } = await peer.answer();
  const tookMs = performance.now() - startMs;
  clearInterval(drip);
  await writing;
  assertEquals(status, 408);
  assertGreaterOrEqual(tookMs, 295);
  await assertStillServes(served.endpoint);
});

Deno.test("abuse 14: a client that sends nothing is answered with 408", async () => {
  await using served = await serveWebSocket({ headTimeout: 100 });
  using peer = await WebSocketPeer.dial(served.endpoint);
  assertEquals((await peer.answer()).status, 408);
  assert(await peer.ended());
});

Deno.test("abuse 15: a client that never answers a ping is dropped, one that does is kept", async () => {
  await using served = await serveWebSocket({ pings: { interval: 50, timeout: 1_000 } });
  using deaf = await WebSocketPeer.open(served.endpoint);
  using alive = await WebSocketPeer.open(served.endpoint);
  let isDeafGone = false;
  const watching = (async () => {
    // Data is no answer, and neither is a pong from before the ping.
    await deaf.send(frameOf({ opcode: 10, payload: "unsolicited" }));
    while (await deaf.frame().catch(() => undefined) !== undefined);
    isDeafGone = true;
  })();
  for (let pings = 0; !isDeafGone || pings < 3; pings++) {
    const frame = await alive.frame();
    assertEquals(frame?.opcode, 9);
    await alive.send(frameOf({ opcode: 10, ...(frame ? { payload: frame.payload } : {}) }));
  }
  await watching;
  await alive.text("kept");
  let answer = await alive.frame();
  while (answer?.opcode === 9) answer = await alive.frame();
  assertEquals(answer?.opcode, 1);
});

Deno.test("abuse 15: an unsolicited pong is ignored", async () => {
  await using served = await serveWebSocket();
  using peer = await WebSocketPeer.open(served.endpoint);
  await peer.send(frameOf({ opcode: 10, payload: "hello" }));
  await peer.text("after");
  assertEquals(await peer.textMessage(), "after");
});

const BAD_UPGRADES: readonly [string, number, Parameters<typeof upgradeRequest>[1]][] = [
  ["a POST", 405, { line: "POST / HTTP/1.1" }],
  ["no Host", 400, { fields: { Host: undefined } }],
  ["a malformed Host", 400, { fields: { Host: "a b" } }],
  ["another Upgrade", 400, { fields: { Upgrade: "h2c" } }],
  ["no Connection", 400, { fields: { Connection: undefined } }],
  ["no key", 400, { fields: { "Sec-WebSocket-Key": undefined } }],
  ["a short key", 400, { fields: { "Sec-WebSocket-Key": "c2hvcnQ=" } }],
  ["another version", 426, { fields: { "Sec-WebSocket-Version": "8" } }],
  ["a foreign Origin", 403, { fields: { Origin: "https://evil.example" } }],
  ["an opaque Origin", 403, { fields: { Origin: "null" } }],
  ["a head of 17 KiB", 431, { fields: { "X-Pad": "a".repeat(17 * 1024) } }],
];

Deno.test("abuse 24: an upgrade that is not right is refused with its status, and the connection ends", async (t) => {
  await using served = await serveWebSocket();
  for (const [what, status, changes] of BAD_UPGRADES) {
    await t.step(`${status} to ${what}`, async () => {
      using peer = await WebSocketPeer.dial(served.endpoint);
      await peer.send(upgradeRequest(hostOf(served.endpoint), changes));
      const answer = await peer.answer();
      assertEquals(answer.status, status);
      assertStringIncludes(answer.body, String(status));
      assert(await peer.ended());
    });
  }
  await assertStillServes(served.endpoint);
});

Deno.test("abuse 24: bytes that are not HTTP are rejected at once", async (t) => {
  await using served = await serveWebSocket();
  const hello = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03);
  for (const bytes of [hello, new Uint8Array(64), crypto.getRandomValues(new Uint8Array(4096))]) {
    await t.step(`${bytes.subarray(0, 4)}...`, async () => {
      using peer = await WebSocketPeer.dial(served.endpoint);
      await peer.send(bytes);
      assertEquals((await peer.answer()).status, 400);
    });
  }
  await assertStillServes(served.endpoint);
});

const BAD_FRAMES: readonly [string, number, Uint8Array][] = [
  ["an unmasked frame", 1002, frameOf({ opcode: 1, payload: "a", isMasked: false })],
  ["the first reserved bit", 1002, frameOf({ opcode: 1, payload: "a", rsv: 4 })],
  ["the third reserved bit", 1002, frameOf({ opcode: 1, payload: "a", rsv: 1 })],
  ["an unknown data opcode", 1002, frameOf({ opcode: 3, payload: "a" })],
  ["an unknown control opcode", 1002, frameOf({ opcode: 11, payload: "a" })],
  ["a lone continuation", 1002, frameOf({ opcode: 0, payload: "a" })],
  ["a ping of 126 bytes", 1002, frameOf({ opcode: 9, payload: "a".repeat(126) })],
  ["a ping in fragments", 1002, frameOf({ opcode: 9, payload: "a", fin: false })],
  [
    "a message inside a message",
    1002,
    joined([
      frameOf({ opcode: 1, payload: "a", fin: false }),
      frameOf({ opcode: 1, payload: "b" }),
    ]),
  ],
  ["a length of 2^63", 1009, frameOf({ opcode: 2, claimedLength: 1n << 63n })],
  ["a length of 65,537", 1009, frameOf({ opcode: 2, claimedLength: 65_537n })],
  ["invalid UTF-8", 1007, frameOf({ opcode: 1, payload: Uint8Array.of(0x61, 0xff) })],
  ["a surrogate in UTF-8", 1007, frameOf({ opcode: 1, payload: Uint8Array.of(0xed, 0xa0, 0x80) })],
  ["a text cut inside a character", 1007, frameOf({ opcode: 1, payload: Uint8Array.of(0xc3) })],
  ["a Close of one byte", 1002, frameOf({ opcode: 8, payload: "a" })],
  ["the close code 999", 1002, closeFrameOf(999)],
  ["the close code 1005", 1002, closeFrameOf(1005)],
  ["the close code 1006", 1002, closeFrameOf(1006)],
  ["the close code 5000", 1002, closeFrameOf(5000)],
];

Deno.test("abuse 25: a frame that breaks the rules is answered with the right code, and the connection ends", async (t) => {
  await using served = await serveWebSocket();
  for (const [what, code, bytes] of BAD_FRAMES) {
    await t.step(`${code} to ${what}`, async () => {
      using peer = await WebSocketPeer.open(served.endpoint);
      await peer.text("before");
      assertEquals(await peer.textMessage(), "before");
      await peer.send(bytes);
      const frame = await peer.frame();
      assertEquals(frame?.opcode, 8);
      assertEquals(frame && codeOf(frame), code);
      assert(await peer.ended());
    });
  }
  await assertStillServes(served.endpoint);
});

Deno.test("abuse 25: messages before a bad frame in the same packet are answered first", async () => {
  await using served = await serveWebSocket();
  using peer = await WebSocketPeer.open(served.endpoint);
  await peer.send(joined([
    frameOf({ opcode: 1, payload: "good" }),
    frameOf({ opcode: 1, payload: "bad", rsv: 7 }),
    frameOf({ opcode: 1, payload: "never" }),
  ]));
  assertEquals(await peer.textMessage(), "good");
  const frame = await peer.frame();
  assertEquals(frame && codeOf(frame), 1002);
  assert(await peer.ended());
});

Deno.test("abuse 26: fragments that together pass the limit are answered with 1009", async () => {
  await using served = await serveWebSocket();
  using peer = await WebSocketPeer.open(served.endpoint);
  const piece = new Uint8Array(16 * 1024);
  await peer.send(frameOf({ opcode: 2, payload: piece, fin: false }));
  for (let count = 0; count < 3; count++) await peer.send(frameOf({ opcode: 0, payload: piece, fin: false }));
  await peer.send(frameOf({ opcode: 0, payload: "a" }));
  const frame = await peer.frame();
  assertEquals(frame && codeOf(frame), 1009);
  await assertStillServes(served.endpoint);
});

Deno.test("abuse 26: fragments without end and without bytes are cut off", async () => {
  await using served = await serveWebSocket();
  using peer = await WebSocketPeer.open(served.endpoint);
  await peer.send(frameOf({ opcode: 2, fin: false }));
  const empty = frameOf({ opcode: 0, fin: false });
  // The server may end before all of it is written.
  const sending = peer.send(joined(Array.from({ length: 20_000 }, () => empty))).catch(() => {});
  const frame = await peer.frame();
  assertEquals(frame && codeOf(frame), 1008);
  await sending;
});

Deno.test("abuse 27: data before the handshake is done is refused", async () => {
  await using served = await serveWebSocket();
  using peer = await WebSocketPeer.dial(served.endpoint);
  const request = new TextEncoder().encode(upgradeRequest(hostOf(served.endpoint)));
  await peer.send(joined([request, frameOf({ opcode: 1, payload: "early" })]));
  const answer = await peer.answer();
  assertEquals(answer.status, 400);
  assertStringIncludes(answer.body, "before the handshake was complete");
  assert(await peer.ended());
});

Deno.test("abuse 28: a Close is answered with its code and the stream ends", async (t) => {
  await using served = await serveWebSocket();
  for (const code of [1000, 1001, 1011, 3000, 4999]) {
    await t.step(String(code), async () => {
      using peer = await WebSocketPeer.open(served.endpoint);
      await peer.send(joined([closeFrameOf(code, "bye"), frameOf({ opcode: 1, payload: "too late" })]));
      const frame = await peer.frame();
      assertEquals(frame && codeOf(frame), code);
      assert(await peer.ended());
    });
  }
});

Deno.test("abuse 28: a client that never answers the Close is cut after two seconds, and no sooner", async () => {
  await using served = await serveWebSocket({
    service: { serve: (session) => session.write(new TextEncoder().encode("only this"), true) },
  });
  // From before the Close: a busy machine may be late to read it.
  const startMs = performance.now();
  using peer = await WebSocketPeer.open(served.endpoint);
  assertEquals(await peer.textMessage(), "only this");
  const frame = await peer.frame();
  assertEquals(frame && codeOf(frame), 1000);
  // Neither answers nor ends: the server gives up on it by itself.
  assert(await peer.ended());
  const givenMs = performance.now() - startMs;
  assert(givenMs >= 1_990 && givenMs < 10_000, `it was given ${givenMs} ms`);
  assertEquals(served.server.sessionCount, 0);
});

/** What a client may send without an end, to which service, after which head. */
const FLOODS: Readonly<Record<string, { args: readonly string[]; piece: Uint8Array; head?: string }>> = {
  pings: { args: ["echo", "ws://127.0.0.1:0"], piece: frameOf({ opcode: 9 }) },
  pongs: { args: ["echo", "ws://127.0.0.1:0"], piece: frameOf({ opcode: 10 }) },
  messages: { args: ["echo", "ws://127.0.0.1:0"], piece: frameOf({ opcode: 1, payload: "x" }) },
  "empty fragments": {
    args: ["echo", "ws://127.0.0.1:0"],
    piece: joined([
      frameOf({ opcode: 1, fin: false }),
      ...Array(50).fill(frameOf({ opcode: 0, fin: false })),
      frameOf({ opcode: 0 }),
    ]),
  },
  "chunks of one byte": {
    args: ["reply", "tcp://127.0.0.1:0", "--http", "--text", "ok"],
    piece: utf8("1\r\nx\r\n"),
    head: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
  },
};

for (const [what, { args, piece, head }] of Object.entries(FLOODS)) {
  Deno.test(`a flood of ${what} keeps no other client waiting, and the server ends at SIGTERM`, async () => {
    const { server, endpoint } = await startServer(args);
    await using _server = server;
    using flooder = head === undefined ? await WebSocketPeer.open(endpoint) : await WebSocketPeer.dial(endpoint);
    const pieces = joined(Array(5_000).fill(piece));
    const flooding = (async () => {
      if (head !== undefined) await writeAll(flooder.conn, utf8(head));
      // Until the server ends the connection.
      for (;;) await writeAll(flooder.conn, pieces);
    })().catch(() => {});
    const reading = flooder.conn.readable.pipeTo(new WritableStream()).catch(() => {});
    for (let count = 1; count <= 5; count++) {
      const answered = head === undefined
        ? assertStillServes(endpoint)
        : fetch(endpoint.replace("tcp:", "http:")).then(async (response) => assertEquals(await response.text(), "ok"));
      await withinTime(answered, `answer ${count}`);
    }
    server.kill("SIGTERM");
    assertEquals(await withinTime(server.exitCode(), "the end"), 0);
    await Promise.all([flooding, reading]);
  });
}
