/** A reader of standard output that stops reading delays neither signals nor the program's other work. */

import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { enterChat } from "../support/chat_peer.ts";
import { DatagramPeer } from "../support/datagram_peer.ts";
import { withinTime } from "../support/give_back.ts";
import { runProgram as runInProcess, startServer, startUdpServer } from "../support/in_process.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { withFile, withFolder } from "../support/temporary.ts";
import { UnreadProgram } from "../support/unread_program.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };

/** The last output may take one second after a signal; the rest is for a busy machine. */
const END_MS = 6_000;

async function assertEnds(program: UnreadProgram, signal: Deno.Signal, code: number): Promise<void> {
  const startMs = performance.now();
  program.kill(signal);
  assertEquals(await program.exitCode(), code);
  assertLess(performance.now() - startMs, END_MS);
}

/** Waits until the metrics at the endpoint have the line. */
async function untilCounted(endpoint: string, line: string): Promise<void> {
  const url = `http://${endpoint}/metrics`;
  const poll = async () => {
    while (!(await (await fetch(url)).text()).includes(line));
  };
  await withinTime(poll(), line);
}

/** Waits until the only file of the folder has a match. */
async function untilWritten(folder: string, pattern: RegExp): Promise<void> {
  using changes = Deno.watchFs(folder);
  const isWritten = async () => pattern.test(await Deno.readTextFile(`${folder}/report`).catch(() => ""));
  const look = async () => {
    if (await isWritten()) return;
    for await (const _ of changes) if (await isWritten()) return;
  };
  await withinTime(look(), `a file like ${pattern}`);
}

/** Starts a `parley-udp` command that serves, with metrics. */
async function startUdp(args: readonly string[]) {
  const program = new UnreadProgram("udp", [...args, "--metrics", "127.0.0.1:0"]);
  const endpoint = await program.errorLine(/bound to (\S+)/);
  const metrics = await program.errorLine(/\[metrics\] listening on tcp:\/\/(\S+)/);
  return { program, endpoint, metrics, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`listen serves its metrics and ends by ${signal} while its output is not read`, LINUX, async () => {
    await using started = await startUdp(["listen", "127.0.0.1:0"]);
    using peer = new DatagramPeer(started.endpoint);
    for (let count = 0; count < 3; count++) await peer.send("x");
    await untilCounted(started.metrics, 'parley_datagrams_received_total{service="listen"} 3');
    await assertEnds(started.program, signal, 0);
  });
}

Deno.test("listen ends by SIGTERM after more datagrams than it keeps for its reader", LINUX, async () => {
  await using started = await startUdp(["listen", "127.0.0.1:0", "--raw"]);
  using peer = new DatagramPeer(started.endpoint);
  for (let count = 0; count < 20; count++) await peer.send(new Uint8Array(60_000));
  await untilCounted(started.metrics, "parley_datagrams_received_total");
  await assertEnds(started.program, "SIGTERM", 0);
});

Deno.test("listen loses nothing to a reader that is late", LINUX, async () => {
  const count = 150;
  await using started = await startUdp(["listen", "127.0.0.1:0", "--raw", "--max-datagrams", String(count)]);
  using peer = new DatagramPeer(started.endpoint);
  const sent = Array.from({ length: count }, (_, index) => `${index}`.padEnd(500, ".") + "\n");
  for (const data of sent) await peer.send(data);
  const [text, code] = await Promise.all([started.program.read(), started.program.exitCode()]);
  assertEquals([text, code], [sent.join(""), 0]);
});

Deno.test("serve sink replies and ends by SIGTERM while its output is not read", LINUX, async () => {
  await using started = await startUdp(["serve", "sink", "127.0.0.1:0"]);
  for (let run = 0; run < 2; run++) {
    const args = ["bench", started.endpoint, "--one-way", "--count", "1", "--wait", "5s"];
    assertEquals((await withinTime(runInProcess("udp", args), "a report of the sink")).code, 0);
  }
  await assertEnds(started.program, "SIGTERM", 0);
});

Deno.test("udp mock continues and ends by SIGTERM while its output is not read", LINUX, async () => {
  await withFile('connections: [{ when: { regex: "." }, reply: pong }]', async (path) => {
    await using program = new UnreadProgram("udp", ["mock", path, "127.0.0.1:0"]);
    const endpoint = await program.errorLine(/bound to (\S+)/);
    for (let count = 0; count < 2; count++) {
      using peer = new DatagramPeer(endpoint);
      await peer.send("ping");
      assertEquals(await withinTime(peer.text(), "a reply"), "pong");
    }
    await assertEnds(program, "SIGTERM", 0);
  });
});

for (const format of [[], ["--json"]]) {
  Deno.test(`udp send ${format} continues and ends by SIGTERM while its output is not read`, LINUX, async () => {
    await using echo = await startUdpServer(["echo", ":0", "--max-datagrams", "3"]);
    await using program = new UnreadProgram("udp", ["send", echo.endpoint, "x", "--count", "100", ...format]);
    assertEquals(await withinTime(echo.server.exitCode(), "three datagrams"), 0);
    await assertEnds(program, "SIGTERM", 143);
  });
}

Deno.test("udp send loses nothing to a reader that is late", LINUX, async () => {
  await using echo = await startUdpServer(["echo", ":0"]);
  const args = ["send", echo.endpoint, "datagram {seq}", "--count", "20", "--interval", "1ms"];
  await using program = new UnreadProgram("udp", args);
  await program.endInput();
  const [text, code] = await Promise.all([program.read(), program.exitCode()]);
  assertEquals([text.trim().split("\n").length, code], [20, 0]);
});

for (const format of [[], ["--json"]]) {
  Deno.test(`chat ${format} sends and ends by SIGTERM while its output is not read`, LINUX, async () => {
    await using server = await startServer(["chat", "tcp://127.0.0.1:0"]);
    using member = await enterChat(server.endpoint);
    await using program = new UnreadProgram("client", ["chat", server.endpoint, ...format]);
    await member.until(/has joined|joined/);
    for (const text of ["one", "two"]) {
      await program.type(format.length === 0 ? `${text}\n` : `{"type":"publish","room":"#lobby","text":"${text}"}\n`);
      await withinTime(member.until(new RegExp(text)), text);
    }
    await assertEnds(program, "SIGTERM", 143);
  });
}

Deno.test("chat prints everything for a reader that is late, and ends", LINUX, async () => {
  await using server = await startServer(["chat", "tcp://127.0.0.1:0"]);
  using member = await enterChat(server.endpoint);
  await using program = new UnreadProgram("client", ["chat", server.endpoint]);
  await program.type("first\n");
  await member.until(/first/);
  await program.endInput();
  const [text, code] = await Promise.all([program.read(), program.exitCode()]);
  assertMatch(text, /first\n/);
  assertEquals(code, 0);
});

Deno.test("mock serves clients and ends by SIGTERM while its output is not read", LINUX, async () => {
  await withFile("framing: line\nconnections: [{ when: { regex: ping }, reply: pong }]", async (path) => {
    await withFolder(async (folder) => {
      const junit = `${folder}/report.xml`;
      await using program = new UnreadProgram("server", ["mock", path, "127.0.0.1:0", "--tap", "--junit", junit]);
      const endpoint = await program.errorLine(/listening on (\S+)/);
      for (let count = 0; count < 2; count++) {
        using conn = await dial(endpoint);
        const peer = new LinePeer(conn);
        await peer.send("ping");
        assertEquals(await withinTime(peer.line(), "a reply"), "pong");
      }
      await assertEnds(program, "SIGTERM", 0);
      assertMatch(await Deno.readTextFile(junit), /tests="2"/);
    });
  });
});

Deno.test("a server writes its ready file, and ends by SIGTERM while its endpoints are not read", LINUX, async () => {
  await withFile("services: { a: { service: echo, endpoint: tcp://127.0.0.1:0 } }", async (stack) => {
    for (
      const [name, ...words] of [
        ["server", "echo", ":0"],
        ["server", "stack", stack],
        ["server", "relay", ":0", "127.0.0.1:1"],
        ["udp", "serve", "echo", ":0"],
        ["udp", "relay", ":0", "127.0.0.1:1"],
      ] as const
    ) {
      await withFolder(async (folder) => {
        await using program = new UnreadProgram(name, [
          ...words,
          "--print-endpoint",
          "--ready-file",
          `${folder}/report`,
        ]);
        await untilWritten(folder, /:\d/);
        await assertEnds(program, "SIGTERM", 0);
      });
    }
  });
});

const SMOKE = (endpoint: string) => `
tests:
  - { name: a, endpoint: "${endpoint}", steps: [{ send: x }, { expect: x }] }
  - { name: b, endpoint: "${endpoint}", steps: [{ send: y }, { expect: y }] }
`;

Deno.test(
  "smoke and bench write their report while standard output is not read, and end by SIGTERM",
  LINUX,
  async () => {
    await using echo = await startServer(["echo", ":0"]);
    await withFile(SMOKE(echo.endpoint), async (file) => {
      for (const format of ["", "--json", "--tap"]) {
        await withFolder(async (folder) => {
          const args = ["smoke", file, "--junit", `${folder}/report`, format].filter(Boolean);
          await using smoke = new UnreadProgram("client", args);
          await untilWritten(folder, /tests="2"[^]*<\/testsuites>/);
          await assertEnds(smoke, "SIGTERM", 143);
        });
      }
    });
    for (const format of ["", "--json"]) {
      await withFolder(async (folder) => {
        const args = ["bench", echo.endpoint, "-n", "5", "--html", `${folder}/report`, format].filter(Boolean);
        await using bench = new UnreadProgram("client", args);
        await untilWritten(folder, /<\/html>/);
        await assertEnds(bench, "SIGTERM", 143);
      });
    }
  },
);

Deno.test("smoke and bench write their report if standard output is closed", LINUX, async () => {
  await using echo = await startServer(["echo", ":0"]);
  await withFile(SMOKE(echo.endpoint), async (file) => {
    await withFolder(async (folder) => {
      for (
        const [words, report] of [
          [["smoke", file, "--junit"], /tests="2" failures="0"/],
          [["bench", echo.endpoint, "-n", "5", "--html"], /<\/html>/],
        ] as const
      ) {
        const path = `${folder}/report`;
        await using program = new UnreadProgram("client", [...words, path]);
        await program.closeOutput();
        assertEquals(await program.exitCode(), 141);
        assertMatch(await Deno.readTextFile(path), report);
        await Deno.remove(path);
      }
    });
  });
});

for (const words of ["check", "check --json", "inspect", "send --json", "send", "connect"]) {
  Deno.test(`${words} ends by SIGTERM while its output is not read`, LINUX, async () => {
    const [command = "", ...flags] = words.split(" ");
    const isReached = Promise.withResolvers<void>();
    await using peer = scriptedPeer(async (conn) => {
      if (/^(?:send|connect)/.test(command)) await writeAll(conn, "reply\n");
      // What is printed at the end is printed once the connection has been closed.
      if (words !== "connect" && words !== "send") await readTextToEnd(conn);
      isReached.resolve();
    });
    await using program = new UnreadProgram("client", [command, peer.endpoint, ...flags]);
    if (command === "send") await program.type("x");
    if (command === "send") await program.endInput();
    await withinTime(isReached.promise, "the client");
    await assertEnds(program, "SIGTERM", 143);
  });
}
