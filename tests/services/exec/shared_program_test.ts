import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ProgramOptions } from "../../../src/services/exec/client_program.ts";
import { SharedProgram } from "../../../src/services/exec/shared_program.ts";
import { Logger, setLogTarget } from "../../../src/log/logger.ts";
import { serve } from "@parley/parley/server";
import { lengthCodec, lineCodec, parseFraming } from "../../../src/framing/mod.ts";
import { connect } from "../../../src/factory.ts";
import { nextTurn } from "../../../src/net/wait.ts";
import { FakeSession } from "../../support/fake_session.ts";

const LINES = lineCodec({ maxBytes: 1_000, hardBytes: 1_000 });
const UNIX = { ignore: Deno.build.os === "windows" };

const lines: string[] = [];

function sharedProgram(...words: string[]): SharedProgram {
  return sharedProgramOf(words, {});
}

function sharedProgramOf(words: string[], options: Partial<ProgramOptions>): SharedProgram {
  lines.length = 0;
  setLogTarget({
    isEnabled: (level) => level !== "debug" && level !== "trace",
    write({ level, text, fields: { status } }) {
      lines.push([level, text, status ?? ""].join(" ").trimEnd());
    },
  });
  const rest = { isBinary: false, timeoutMs: undefined, finishTimeoutMs: 60_000, killAfterMs: 60_000, ...options };
  return new SharedProgram({ words, codec: LINES, ...rest }, Logger.of("test"));
}

/** A client of a stream that has ended its side before anything was read. */
function halfClosed(): FakeSession {
  return Object.assign(new FakeSession(), { receive: () => Promise.resolve(null) });
}

Deno.test("SharedProgram sends each line of one program to every client", UNIX, async () => {
  const sessions = [new FakeSession(), new FakeSession()];
  const served: Promise<void>[] = [];
  {
    await using program = sharedProgram("cat");
    served.push(...sessions.map((session) => program.serve(session)));
    sessions[0]?.say("from the first");
    for (const session of sessions) assertEquals(await session.sent(/first/), ["from the first"]);
    sessions[1]?.say("from the second");
    for (const session of sessions) assertEquals(await session.sent(/second/), ["from the second"]);
    assertEquals(sessions[0]?.note, sessions[1]?.note);
    assertMatch(sessions[0]?.note ?? "", /^pid \d+$/);
  }
  await Promise.all(served);
  assertEquals(sessions.map(({ note }) => note), ["exit status 0", "exit status 0"]);
  assertEquals(lines, ["info program started", "info program ended exit status 0"]);
});

Deno.test("SharedProgram goes on without a client that has left, also one that reads too slowly", UNIX, async () => {
  const [slow, leaving, last] = [new FakeSession(), new FakeSession(), new FakeSession()];
  await using program = sharedProgram("cat");
  const served = [slow, leaving].map((session) => program.serve(session));
  const serving = program.serve(last);
  leaving.close("peer closed");
  await served[1];
  slow.isFull = true;
  last.say("one");
  assertEquals(await last.sent(/one/), ["one"]);
  await served[0];
  assertEquals([slow.closeReason, leaving.closeReason], ["slow consumer", "peer closed"]);
  last.say("two");
  assertEquals(await last.sent(/two/), ["two"]);
  assertEquals([slow.take(), leaving.take()], [[], []]);
  last.close("done");
  await serving;
});

Deno.test("SharedProgram starts the program again for the next client, and logs how it ended", UNIX, async () => {
  await using program = sharedProgram("sh", "-c", "read line; echo got $line; echo rest; printf end; exit 3");
  for (const text of ["one", "two"]) {
    const session = new FakeSession();
    session.say(text);
    await program.serve(session);
    assertEquals([session.take(), session.note], [[`got ${text}`, "rest", "end"], "exit status 3"]);
  }
  const run = ["info program started", "warning program ended exit status 3"];
  assertEquals(lines, [...run, ...run]);
});

Deno.test("SharedProgram ends a WebSocket whose client has ended, and keeps a stream", UNIX, async () => {
  await using program = sharedProgram("cat");
  const webSocket = Object.assign(new FakeSession({ kind: "websocket" }), { receive: () => Promise.resolve(null) });
  await program.serve(webSocket);
  assertEquals(webSocket.closeReason, "done");
  const stream = halfClosed();
  const other = new FakeSession();
  const served = [program.serve(stream), program.serve(other)];
  other.say("hello");
  assertEquals(await stream.sent(/hello/), ["hello"]);
  assertEquals(stream.closeReason, undefined);
  for (const session of [stream, other]) session.close("done");
  await Promise.all(served);
});

Deno.test(
  "SharedProgram closes a client that has half-closed once nothing was sent to it for a time",
  UNIX,
  async () => {
    await using program = sharedProgramOf(["cat"], { finishTimeoutMs: 600 });
    const silent = halfClosed();
    await program.serve(silent);
    assertEquals(silent.closeReason, "idle timeout");
    const [receiver, talker] = [halfClosed(), new FakeSession()];
    const served = program.serve(receiver);
    const talking = program.serve(talker);
    const startMs = performance.now();
    while (performance.now() - startMs < 1_200) {
      talker.say("news");
      await receiver.sent(/news/);
    }
    await served;
    assertEquals([receiver.closeReason, talker.closeReason], ["idle timeout", undefined]);
    const elapsedMs = performance.now() - startMs;
    assert(elapsedMs >= 1_800 && elapsedMs < 10_000, `${elapsedMs} ms`);
    talker.close("done");
    await talking;
  },
);

Deno.test("SharedProgram closes the clients that have half-closed when the server drains", UNIX, async () => {
  await using program = sharedProgram("cat");
  const client = halfClosed();
  const served = program.serve(client);
  program.drain();
  await served;
  assertEquals(client.closeReason, "drain");
});

Deno.test("SharedProgram lets clients leave, and ends, although the program never reads its input", UNIX, async () => {
  const session = new FakeSession();
  {
    await using program = sharedProgramOf(["sh", "-c", "echo up; exec sleep 600"], { killAfterMs: 10 });
    const serving = program.serve(session);
    assertEquals(await session.sent(/up/), ["up"]);
    // More than the pipe holds.
    session.say("x".repeat(1024 * 1024));
    await nextTurn();
    session.close("peer closed");
    await serving;
  }
  assertEquals(lines.at(-1), "warning program ended ended by SIGTERM");
});

Deno.test(
  "SharedProgram ends a program whose output violates the framing, and disconnects its clients",
  UNIX,
  async () => {
    const session = new FakeSession();
    await using program = sharedProgramOf(["sh", "-c", "echo AAAA; exec sleep 600"], {
      killAfterMs: 10,
      codec: lengthCodec({ bytes: 4 }, 1_000),
    });
    await program.serve(session);
    assertEquals(session.note, "ended by SIGTERM");
    assertEquals(lines, [
      "info program started",
      "error the program's output violates the framing",
      "warning program ended ended by SIGTERM",
    ]);
  },
);

Deno.test("SharedProgram starts the program again after its last message has violated the framing", UNIX, async () => {
  const codec = parseFraming("delimiter:;;");
  // Without the delimiter, "a;" is a message at the end of the output; with it, it would be another one. A shell's own
  // printf, since that of coreutils closes its output before it exits, and may then be ended by a signal.
  const program = sharedProgramOf(["sh", "-c", "printf 'a;'"], { codec });
  await using server = await serve("tcp://127.0.0.1:0", program, { framing: codec });
  for (let client = 1; client <= 2; client++) {
    await using connection = await connect(server.endpoint);
    assertEquals(await connection.read(), null);
  }
  const run = [
    "info program started",
    "error the program's output violates the framing",
    "info program ended exit status 0",
  ];
  assertEquals(lines.filter((line) => line.includes("program")), [...run, ...run]);
});
