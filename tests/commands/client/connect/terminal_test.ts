import { assert, assertEquals, assertRejects } from "@std/assert";
import { StoppedError } from "../../../../src/cli/exit_codes.ts";
import { TimeoutError } from "../../../../src/base/errors.ts";
import { runProgram } from "../../../../src/cli/run_program.ts";
import { runTerminal } from "../../../../src/commands/client/connect/terminal.ts";
import { clientProgram } from "../../../../src/commands/client/program.ts";
import { FakeTerminal } from "../../../support/fake_terminal.ts";
import { FakeSession } from "../../../support/fake_session.ts";
import { FakeTime } from "../../../support/fake_time.ts";
import { startProgram } from "../../../support/in_process.ts";

/** `connect` at a terminal; the rows without the one that is being typed in, and how it ended. */
async function sitDown(
  service: readonly string[],
  flags: readonly string[],
  use: (io: FakeTerminal) => Promise<void>,
): Promise<{ rows: string[]; code: number }> {
  await using server = startProgram("server", [...service, "--print-endpoint", "--log-level", "off"]);
  const endpoint = await server.line();
  const io = new FakeTerminal();
  const running = runProgram(clientProgram, ["connect", endpoint, ...flags], io);
  await io.shows(/connected to/);
  await use(io);
  const code = await running;
  assertEquals(io.isRaw, false);
  const rows = io.rows().map((row) => row.replaceAll(endpoint, "SERVER")).filter((row) => row !== "");
  return { rows: rows.slice(1), code };
}

const ECHO = ["echo", "tcp://127.0.0.1:0"];

Deno.test("connect at a terminal shows each reply below the typed line, and quit leaves", async () => {
  const outcome = await sitDown(ECHO, [], async (io) => {
    io.type("hello\r");
    await io.shows(/hello[^]*hello/);
    io.type("quit\r");
  });
  assertEquals(outcome, { rows: ["> hello", "hello", "> quit"], code: 0 });
});

Deno.test("connect at a terminal ends with Ctrl-D once the server has ended, and with 130 at Ctrl-C", async () => {
  assertEquals(await sitDown(ECHO, [], (io) => Promise.resolve(io.type("\x04"))), { rows: [], code: 0 });
  assertEquals((await sitDown(ECHO, [], (io) => Promise.resolve(io.type("\x03")))).code, 130);
});

Deno.test("connect at a terminal reports that the server closed the connection", async () => {
  const service = ["reply", "tcp://127.0.0.1:0", "--text", "bye", "--then", "close"];
  const outcome = await sitDown(service, ["--framing", "line"], (io) => Promise.resolve(io.type("hello\r")));
  assertEquals(outcome, { rows: ["> hello", "bye", "SERVER closed the connection"], code: 0 });
});

Deno.test("connect --hex at a terminal shows a dump, and reports an invalid line without ending", async () => {
  const outcome = await sitDown(ECHO, ["--hex"], async (io) => {
    io.type("68 6\r");
    await io.shows(/! /);
    io.type("68 69 00\r");
    await io.shows(/00000000/);
    io.type("quit\r");
  });
  assertEquals(outcome.rows, [
    "> 68 6",
    '! Cannot parse hex "68 6": expected pairs of hexadecimal digits, as in 01ff',
    "> 68 69 00",
    "00000000  68 69 00                                          |hi.|",
    "> quit",
  ]);
});

Deno.test("connect at a terminal shows no control character of the server's, by line or raw", async () => {
  for (const framing of ["line", "raw"]) {
    const service = ["reply", "tcp://127.0.0.1:0", "--framing", "line", "--text", "a\\x1b[31mb"];
    const { rows } = await sitDown(service, ["--framing", framing], async (io) => {
      io.type("x\r");
      await io.shows(/31mb/);
      io.type("quit\r");
    });
    assertEquals(rows, ["> x", "a\\x1b[31mb", "> quit"], framing);
  }
});

Deno.test("Ctrl-D at a terminal waits for the server's end, as long as --wait-reply", async () => {
  for (const endsInTime of [true, false]) {
    using time = new FakeTime();
    const session = new FakeSession();
    const io = new FakeTerminal();
    const options = { messageOf: (data: Uint8Array) => ({ data, isText: true }), show: () => "", waitReplyMs: 5_000 };
    let isOver = false;
    const running = runTerminal(session, io, options, new AbortController().signal).finally(() => isOver = true);
    running.catch(() => {});
    io.type("\x04");
    await time.advance(4_990);
    assertEquals(isOver, false);
    if (endsInTime) session.close("peer closed");
    await time.advance(20);
    if (endsInTime) assertEquals(await running, 0);
    else await assertRejects(() => running, TimeoutError);
  }
});

Deno.test("quit at a terminal waits 1 s for the server's end (QUIT_MS), or for --wait-reply if that is less", async () => {
  for (const [waitReplyMs, maxMs] of [[60_000, 1_000], [300, 300]] as const) {
    using time = new FakeTime();
    const session = new FakeSession();
    const io = new FakeTerminal();
    const options = { messageOf: (data: Uint8Array) => ({ data, isText: true }), show: () => "", waitReplyMs };
    const running = runTerminal(session, io, options, new AbortController().signal);
    io.type("quit\r");
    await time.advance(maxMs - 10);
    assertEquals(session.closeReason, undefined);
    await time.advance(20);
    assertEquals([session.closeReason, await running], ["done", 0]);
  }
});

for (const [keys, name] of [["\x04", "Ctrl-D"], ["quit\r", "quit"]] as const) {
  Deno.test(`a signal ends the wait of connect at a terminal for the server's end: ${name}`, async () => {
    const session = new FakeSession();
    const io = new FakeTerminal();
    const ended = Promise.withResolvers<string>();
    const options = {
      ...{ messageOf: (data: Uint8Array) => ({ data, isText: true }), show: () => "", waitReplyMs: 60_000 },
      onEnd: ended.resolve,
    };
    const stop = new AbortController();
    const running = runTerminal(session, io, options, stop.signal);
    io.type(keys);
    assertEquals(await ended.promise, "own");
    stop.abort(new StoppedError("SIGTERM"));
    await assertRejects(() => running, StoppedError);
  });

  Deno.test(`connect at a terminal records what was sent, received and ended: ${name}`, async () => {
    const session = new FakeSession();
    const io = new FakeTerminal();
    const recorded: string[] = [];
    const ended = Promise.withResolvers<void>();
    const note = (what: string) => ({ data }: { data: Uint8Array }) =>
      void recorded.push(`${what} ${new TextDecoder().decode(data)}`);
    const onEnd = (side: string) => {
      recorded.push(side);
      ended.resolve();
    };
    const options = {
      ...{ messageOf: (data: Uint8Array) => ({ data, isText: true }), show: () => "shown\n", waitReplyMs: 60_000 },
      ...{ onSent: note("sent"), onReceived: note("received"), onEnd },
    };
    const running = runTerminal(session, io, options, new AbortController().signal);
    io.type("hello\r");
    assertEquals(await session.sent(/hello/), ["hello"]);
    session.say("hi");
    await io.shows(/shown/);
    io.type(keys);
    await ended.promise;
    session.close("peer closed");
    assertEquals(await running, 0);
    assertEquals(recorded, ["sent hello", "received hi", "own", "peer"]);
  });
}

Deno.test("connect --idle-timeout at a terminal ends once nothing was sent or received for that time", async () => {
  const startMs = performance.now();
  const outcome = await sitDown(ECHO, ["--idle-timeout", "300ms"], async (io) => {
    io.type("hello\r");
    await io.shows(/hello[^]*hello/);
  });
  assertEquals(outcome.code, 5);
  const elapsedMs = performance.now() - startMs;
  assert(elapsedMs >= 300 && elapsedMs < 10_000, `${elapsedMs} ms`);
});

Deno.test("only Ctrl-C ends the wait for the server's end after Ctrl-D", async () => {
  using time = new FakeTime();
  const session = new FakeSession();
  const io = new FakeTerminal();
  const options = { messageOf: (data: Uint8Array) => ({ data, isText: true }), show: () => "", waitReplyMs: 60_000 };
  let isOver = false;
  const running = runTerminal(session, io, options, new AbortController().signal).finally(() => isOver = true);
  io.type("\x04");
  await time.advance(490);
  assertEquals(io.out.includes("waiting up to 1m for the server to close; Ctrl-C exits"), false);
  await time.advance(20);
  assertEquals(io.out.includes("waiting up to 1m for the server to close; Ctrl-C exits"), true);
  io.type("more\r");
  await time.advance(10);
  assertEquals([isOver, session.closeReason], [false, undefined]);
  io.type("\x03");
  await time.advance(10);
  assertEquals([await running, session.closeReason], [0, "done"]);
});
