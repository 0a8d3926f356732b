import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { bind } from "@parley/parley";
import { FakeIo } from "../support/fake_io.ts";

interface Started extends AsyncDisposable {
  readonly port: number;
  readonly io: FakeIo;
  ended(): Promise<number>;
}

async function startMock(script: string, ...args: string[]): Promise<Started> {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(file, script);
  const io = new FakeIo();
  const running = runProgram(udpProgram, ["mock", file, ":0", "--print-endpoint", "--log-level", "off", ...args], io);
  const port = await Promise.race([io.printed(/udp:\/\/127\.0\.0\.1:(\d+)\n/), running.then(() => "0")]);
  return {
    port: Number(port),
    io,
    ended: () => running,
    async [Symbol.asyncDispose]() {
      io.stop.send("SIGTERM");
      await running;
      await Deno.remove(file);
    },
  };
}

/** Sends each text and waits for the reply before the next. */
async function ask(port: number, ...texts: string[]): Promise<string[]> {
  await using socket = await bind("udp://127.0.0.1:0");
  const replies: string[] = [];
  for (const text of texts) {
    await socket.send(text, `udp://127.0.0.1:${port}`);
    replies.push(new TextDecoder().decode((await socket.receive({ timeout: 5_000 }))?.data));
  }
  return replies;
}

Deno.test("parley-udp mock plays a script and rules to each sender (#20 point 1)", async () => {
  const script = String.raw`
connections:
  - { steps: [{ expect-regex: "^hello (\\w+)$" }, { send: "hi {1}, welcome" }, { expect-exactly: bye }, { send: ciao }] }
  - { when: { text: ping }, reply: pong }
expect: { connections: 2 }`;
  await using mock = await startMock(script);
  assertEquals(await ask(mock.port, "hello ann", "bye"), ["hi ann, welcome", "ciao"]);
  assertEquals(await ask(mock.port, "ping", "ping"), ["pong", "pong"]);
  mock.io.stop.send("SIGTERM");
  assertEquals(await mock.ended(), 0);
  assertMatch(mock.io.out, /2 passed, 0 failed/);
});

Deno.test("parley-udp mock exits 1 with the difference, after N clients (#20 point 1)", async () => {
  const script = "connections: [{ steps: [{ send: x }, { expect-exactly: hello }] }]\notherwise: close";
  await using mock = await startMock(script, "--exit-after", "1");
  assertEquals(await ask(mock.port, "hellO"), ["x"]);
  assertEquals(await mock.ended(), 1);
  assertStringIncludes(mock.io.out, "expected  hello");
  assertStringIncludes(mock.io.out, "^ differs at byte 4");
});

Deno.test("parley-udp mock rejects steps that need a connection (#20 point 1)", async () => {
  for (const step of ["reset", "end", "expect-close", "expect-reset"]) {
    await using mock = await startMock(`connections: [{ steps: [{ ${step}: true }] }]`);
    assertEquals(await mock.ended(), 2);
    assertStringIncludes(mock.io.err, `Cannot play the step ${step}: datagrams have no connection`);
  }
});

Deno.test("parley-udp mock reports a script that SIGTERM interrupts (#20 point 1)", async () => {
  await using mock = await startMock("connections: [{ steps: [{ expect: a }, { send: b }, { expect: c }] }]");
  assertEquals(await ask(mock.port, "a"), ["b"]);
  mock.io.stop.send("SIGTERM");
  assertEquals(await mock.ended(), 1);
  assertMatch(mock.io.out, /stopped while waiting for "c" from udp:/);
});

Deno.test("parley-udp replay sends the client's part of mock --journal again (#16 point 2)", async () => {
  const script = "connections: [{ steps: [{ expect-exactly: a }, { send: b }, { expect-exactly: c }, { send: d }] }]";
  const journal = await Deno.makeTempFile();
  try {
    {
      await using mock = await startMock(script, "--journal", journal, "--exit-after", "1");
      assertEquals(await ask(mock.port, "a", "c"), ["b", "d"]);
      assertEquals(await mock.ended(), 0);
    }
    await using mock = await startMock(script, "--exit-after", "1");
    const words = ["replay", journal, `:${mock.port}`, "--speed", "0"];
    assertEquals(await runProgram(udpProgram, words, new FakeIo()), 0);
    assertEquals(await mock.ended(), 0);
    assertMatch(mock.io.out, /1 passed, 0 failed/);
  } finally {
    await Deno.remove(journal);
  }
});

Deno.test("parley-udp mock counts sent datagrams", async () => {
  await using mock = await startMock("connections: [{ when: { text: ping }, reply: pong! }]", "--metrics", ":0");
  const url = await mock.io.printed(/(http:\S+)\n/);
  await ask(mock.port, "ping", "ping");
  const text = await (await fetch(url)).text();
  assertStringIncludes(text, 'parley_datagrams_sent_total{service="mock"} 2\n');
  assertStringIncludes(text, 'parley_datagram_bytes_sent_total{service="mock"} 10\n');
});
