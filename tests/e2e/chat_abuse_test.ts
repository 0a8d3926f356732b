import { assert, assertEquals, assertMatch } from "@std/assert";
import { enterChat } from "../support/chat_peer.ts";
import { CHAT_WIRES, ServedChat } from "../support/chat_wires.ts";
import { dial, type LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { startServer } from "../support/in_process.ts";

const CHAT = ["chat", "tcp://127.0.0.1:0"];

/** A start of a ClientHello (RFC 8446, section 4.1.2) without a line end in it. */
const TLS_HELLO = Uint8Array.of(0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, ...new Uint8Array(32).fill(0xc1));

const INTRUDERS: Readonly<Record<string, Uint8Array | string>> = {
  "a TLS hello": TLS_HELLO,
  "an HTTP request": "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: probe\r\n\r\n",
  "a very long path": `GET /${"x".repeat(3_000)}\n`,
  "NULs": Uint8Array.of(0, 0, 0, 10, 0, 0, 10),
  "random bytes": Uint8Array.of(0xfe, 0x02, 0x81, 0x99, 0x10, 10, 0xff, 0x03, 10, 0xc3),
};

for (const [name, bytes] of Object.entries(INTRUDERS)) {
  Deno.test(`chat answers ${name} with one error, then closes; others see nothing of it`, async () => {
    await using started = await startServer(CHAT);
    using ann = await enterChat(started.endpoint, "ann");
    {
      using conn = await dial(started.endpoint);
      await writeAll(conn, bytes);
      const errors = (await readTextToEnd(conn)).split("\n").filter((line) => line.startsWith("!"));
      assertEquals(errors.length, 1, errors.join("\n"));
    }
    assertEquals(await ann.line(), "* guest2 joined #lobby");
    assertMatch(await ann.line() ?? "", /^\* guest2 left #lobby/);
    using bob = await enterChat(started.endpoint);
    await bob.send("still here");
    assertEquals(await ann.until(/^\[/), "[#lobby] guest3: still here");
  });
}

Deno.test("chat rejects a line that is not UTF-8, and keeps the connection", async () => {
  await using started = await startServer(CHAT);
  using bob = await enterChat(started.endpoint);
  await writeAll(bob.conn, Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 10));
  assertEquals(await bob.line(), "! The line is not valid UTF-8 and was dropped");
  await bob.send("/who");
  assertEquals(await bob.line(), "* In #lobby: @guest1");
});

Deno.test("chat ignores telnet negotiation", async () => {
  await using started = await startServer(CHAT);
  using ann = await enterChat(started.endpoint, "ann");
  using bob = await enterChat(started.endpoint);
  // WILL NAWS, DO SUPPRESS-GO-AHEAD; and what it sends for Ctrl-C.
  await writeAll(bob.conn, Uint8Array.of(0xff, 0xfb, 0x1f, 0xff, 0xfd, 3, ...new TextEncoder().encode("hello\r\n")));
  assertEquals(await ann.until(/^\[/), "[#lobby] guest2: hello");
  await writeAll(bob.conn, Uint8Array.of(0xff, 0xf4, 0xff, 0xfd, 6, 13, 10));
  await bob.send("/who");
  assertEquals(await bob.line(), "* In #lobby: @ann, guest2");
});

for (const wire of CHAT_WIRES) {
  Deno.test(`chat over ${wire} rejects empty, blank and too long messages, and forwards no escape sequence`, async () => {
    await using chat = await ServedChat.start(wire);
    using ann = await chat.enter("ann");
    using bob = await chat.enter();
    for (const line of ["", "   ", "\t"]) {
      assertEquals(await bob.reply(line), "! A message has at least one character");
    }
    await bob.send("a\x1b[2J\x07\x08\x7f\x9b31m\u2028b\u202ec café 😀");
    const shown = await ann.until(/^\[/);
    assertEquals(shown, "[#lobby] guest2: a\\x1b[2J\\x07\\x08\\x7f\\x9b31m\\u2028b\\u202ec café 😀");
    for (const char of ["x", "é", "語"]) {
      assertEquals(await bob.reply(char.repeat(4_097)), "! A message has at most 4096 characters");
      await bob.send(char.repeat(4_096));
      assertEquals((await ann.line())?.length, "[#lobby] guest2: ".length + 4_096, char);
    }
  });
}

// Over ws a plain socket is needed for that: tests/websocket/session_test.ts.
for (const wire of ["tcp", "unix", "tls"] as const) {
  Deno.test(`a member that stops reading over ${wire} is dropped alone; everyone else gets everything in order`, async () => {
    await using chat = await ServedChat.start(wire);
    using _stalled = await chat.enter("stalled");
    using ann = await chat.enter("ann");
    using bob = await chat.enter("bob");
    const TOTAL = 10_000;
    const text = "x".repeat(1_000);
    for (let count = 0; count < TOTAL; count += 100) {
      await bob.send(Array.from({ length: 100 }, (_, index) => `${count + index} ${text}`).join("\n"));
      for (let index = 0; index < 100; index++) {
        assert((await ann.until(/^\[/)).startsWith(`[#lobby] bob: ${count + index} x`));
      }
    }
    assertEquals(await bob.until(/stalled left/), "* stalled left #lobby (reads too slowly)");
  });
}

Deno.test("a member that reads slowly but steadily is not dropped", async () => {
  await using started = await startServer(CHAT);
  using slow = await enterChat(started.endpoint, "slow");
  using bob = await enterChat(started.endpoint, "bob");
  for (let count = 0; count < 50; count++) {
    await bob.send(Array.from({ length: 100 }, (_, index) => `${count * 100 + index} ${"x".repeat(1_000)}`).join("\n"));
    // Half of what came, and the rest at the end: never more than the outbox holds.
    for (let index = 0; index < 50; index++) await slow.until(/^\[/);
    if (count % 5 === 4) { for (let index = 0; index < 250; index++) await slow.until(/^\[/); }
  }
  await bob.send("/who");
  assertMatch(await bob.until(/In #lobby/), /slow/);
});

Deno.test("clients that vanish while they join leave no ghost", async () => {
  await using started = await startServer(CHAT);
  using ann = await enterChat(started.endpoint, "ann");
  const ROUNDS = 1_000;
  for (let count = 0; count < ROUNDS; count += 50) {
    await Promise.all(Array.from({ length: 50 }, async (_, index) => {
      const conn = await dial(started.endpoint);
      await writeAll(conn, `/nick g${count + index}\n/join #r${index % 7}\n`);
      conn.close();
    }));
  }
  // Whoever came has left once a later one is gone as well.
  using last = await enterChat(started.endpoint, "last");
  for (let isClean = false; !isClean;) {
    await ann.send("/rooms\n/who");
    await ann.until(/^\* #lobby has/);
    const next = await ann.until(/^\* (#r\d has|In #lobby: )/);
    isClean = next === "* In #lobby: @ann, last";
  }
  await last.send("hello");
  assertEquals(await ann.until(/^\[/), "[#lobby] last: hello");
});

Deno.test("joining and leaving one room from many sides at once ends as it should", async () => {
  await using started = await startServer(CHAT);
  const peers: (LinePeer & Disposable)[] = await Promise.all(
    Array.from({ length: 20 }, (_, index) => enterChat(started.endpoint, `m${index}`)),
  );
  await Promise.all(peers.map(async (peer, index) => {
    await peer.send(
      Array.from({ length: 51 }, (_, round) => round % 2 === 0 ? "/join #busy" : "/leave #busy").join("\n"),
    );
    if (index % 2 === 1) await peer.send("/leave #busy");
    await peer.send(`/msg m${index} done`);
    await peer.until(/^\[private\] .*: done$/);
  }));
  const [first] = peers;
  assert(first);
  await first.send("/who #busy");
  const names = (await first.until(/^\* In #busy/)).slice("* In #busy: ".length).replaceAll("@", "").split(", ");
  assertEquals(names.toSorted(), Array.from({ length: 10 }, (_, index) => `m${index * 2}`).toSorted());
  for (const peer of peers) peer[Symbol.dispose]();
});
