import { assertEquals, assertMatch } from "@std/assert";
import {
  BindError,
  ClosedEarlyError,
  OutOfResourcesError,
  ParleyError,
  PermissionError,
  RefusedError,
  ResetError,
  ResolveError,
  TimeoutError,
  TlsError,
  UsageError,
} from "@parley/parley";
import { defineCommand, type Program } from "../../src/cli/command.ts";
import { exitCodeOf, StoppedError } from "../../src/cli/exit_codes.ts";
import { runProgram } from "../../src/cli/run_program.ts";
import { COMMANDS } from "../../src/cli/unknown_command.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { DroppingIo, FakeIo } from "../support/fake_io.ts";

/** A program whose only command runs the test's function. */
function programThat(run: () => Promise<number>, readsEnvironment = false): Program {
  const greet = defineCommand({
    usage: "NAME",
    examples: [{ words: "greet us", does: "greets us" }],
    flags: {
      count: { type: "integer", short: "n", default: 1, help: "say it N times" },
      json: { type: "boolean", help: "one object a line" },
    },
    notes: "It is a test.",
    readsEnvironment,
    run,
  });
  const entry = {
    name: "greet",
    summary: "say hello",
    example: { words: "greet you", does: "greets you" },
    load: () => Promise.resolve(greet),
  };
  return { name: "parley-test", summary: "test", schemes: [], commands: [entry] };
}

async function run(argv: string[], error?: unknown, io = new FakeIo()) {
  const code = await runProgram(
    programThat(() => error === undefined ? Promise.resolve(0) : Promise.reject(error)),
    argv,
    io,
  );
  return { code, out: io.out, err: io.err };
}

Deno.test("exitCodeOf() returns the documented code of every error", () => {
  const cases: [unknown, number][] = [
    [new UsageError("x"), 2],
    [new SyntaxError("x"), 2],
    [new RangeError("x"), 2],
    [new ResolveError("x"), 3],
    [new RefusedError("x"), 4],
    [new TimeoutError("reply", "x"), 5],
    [new TlsError("expired", "x"), 6],
    [new ResetError("x"), 7],
    [new ClosedEarlyError("x"), 7],
    [new BindError("in use", "x"), 8],
    [new PermissionError("x"), 8],
    [new Deno.errors.NotCapable("x"), 8],
    [new Deno.errors.PermissionDenied("x"), 8],
    [new OutOfResourcesError("x"), 8],
    [Object.assign(new Error("x"), { code: "ENOSPC" }), 8],
    [new ParleyError("x", { cause: Object.assign(new Error("x"), { code: "EMFILE" }) }), 8],
    [new Deno.errors.BrokenPipe("x"), 141],
    [new Error("x"), 1],
    ["x", 1],
  ];
  for (const [error, code] of cases) assertEquals(exitCodeOf(error), code, String(error));
});

Deno.test("runProgram() turns an error into one line and its code, never a stack", async () => {
  const error = new RefusedError("Cannot connect to tcp://h:1:\n  connection refused", { endpoint: "tcp://h:1" });
  assertEquals(await run(["greet"], error), {
    code: 4,
    out: "",
    err: "parley-test: Cannot connect to tcp://h:1:; connection refused\n",
  });
  assertEquals((await run(["greet"], new TypeError("oops"))).err, "parley-test: TypeError: oops\n");
});

Deno.test("runProgram() with --json also reports a failure as one object on standard output", async () => {
  const { code, out } = await run(
    ["greet", "--json"],
    new TimeoutError("reply", "too late", { endpoint: "tcp://h:1" }),
  );
  assertEquals([code, out.endsWith("}\n"), out.trimEnd().includes("\n")], [5, true, false]);
  assertEquals(JSON.parse(out), {
    ok: false,
    exitCode: 5,
    error: { name: "TimeoutError", message: "too late", endpoint: "tcp://h:1" },
  });
});

Deno.test("runProgram() prints nothing for a closed pipe or a signal", async () => {
  assertEquals(await run(["greet"], new Deno.errors.BrokenPipe("x")), { code: 141, out: "", err: "" });
  assertEquals(await run(["greet"], new StoppedError("SIGINT")), { code: 130, out: "", err: "" });
  assertEquals(await run(["greet"], new StoppedError("SIGTERM")), { code: 143, out: "", err: "" });
});

Deno.test("runProgram() with --json prints an object also when it is interrupted (fault 46)", async () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    const { out, err, ...ended } = await run(["greet", "--json"], new StoppedError(signal));
    const { ok, exitCode, error } = JSON.parse(out);
    assertEquals([ended.code, err, ok, exitCode, error.message], [code, "", false, code, `stopped by ${signal}`]);
  }
});

Deno.test("runProgram() returns the exit code for a failing standard output", async () => {
  const io = new FakeIo();
  io.outFailure = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  assertEquals((await run(["--help"], undefined, io)).code, 8);
  assertEquals((await run(["greet", "--json"], new RefusedError("x"), io)).code, 8);
});

Deno.test("runProgram() refers to --help after a usage error", async () => {
  assertEquals(await run(["greet", "--cuont", "2"]), {
    code: 2,
    out: "",
    err: "parley-test: unknown flag --cuont; did you mean --count?\nTry: parley-test greet --help\n",
  });
  assertEquals(
    (await run(["gret"])).err,
    'parley-test: unknown command "gret"; did you mean greet?\nTry: parley-test --help\n',
  );
  assertEquals(
    (await run(["zzzzzz"])).err.split("\n")[0],
    'parley-test: unknown command "zzzzzz"; the commands are greet',
  );
});

Deno.test("runProgram() prints help and version to standard output, without running anything", async () => {
  for (const argv of [["--help"], ["-h"], ["help"], ["greet", "--help"], ["greet", "x", "-h"]]) {
    const { code, out, err } = await run(argv, new Error("must not run"));
    assertEquals([code, err], [0, ""]);
    assertMatch(out, /^parley-test/);
  }
  assertMatch((await run(["--version"])).out, /^parley-test \d+\.\d+\.\d+ \(source, deno .*\)\n$/);
  assertEquals((await run(["greet", "--", "--help"])).out, "");
});

Deno.test("commandHelp() shows examples first, then usage, flags, notes and pages of the manual", async () => {
  const { out } = await run(["greet", "--help-all"]);
  assertEquals(
    out,
    [
      "parley-test greet: say hello",
      "",
      "Examples:",
      "  parley-test greet you  # greets you",
      "  parley-test greet us   # greets us",
      "",
      "Usage:",
      "  parley-test greet NAME [flags]",
      "",
      "Flags:",
      "  -n, --count N  say it N times (default 1)",
      "  --json         one object a line",
      "",
      "Notes:",
      "  It is a test.",
      "",
      "See also:",
      "  parley-test help exit-codes",
      "",
    ].join("\n"),
  );
});

Deno.test("runProgram() waits one event loop turn after help and version, so that compiled code is stored", async () => {
  for (const argv of [["--help"], ["--version"], ["greet", "--help"]]) {
    let isTurned = false;
    AbortSignal.timeout(0).addEventListener("abort", () => isTurned = true, { once: true });
    await run(argv);
    assertEquals([argv, isTurned], [argv, true]);
  }
});

Deno.test("runProgram() loads no command for its own help, its version and an unknown command", async () => {
  const load = () => Promise.reject(new Error("must not load"));
  const [greet] = programThat(() => Promise.resolve(0)).commands;
  if (greet === undefined) throw new Error("no command");
  const program = { name: "parley-test", summary: "test", schemes: [], commands: [{ ...greet, load }] };
  for (const [argv, code] of [[["--help"], 0], [["--version"], 0], [[], 2], [["gret"], 2]] as const) {
    const io = new FakeIo();
    assertEquals([argv, await runProgram(program, argv, io)], [argv, code]);
    assertEquals(io.err.includes("must not load"), false);
  }
});

Deno.test("runProgram() drops the permission for the environment unless the command reads it", async () => {
  for (const readsEnvironment of [true, false]) {
    const io = new DroppingIo();
    await runProgram(programThat(() => Promise.resolve(0), readsEnvironment), ["greet"], io);
    assertEquals(io.dropped.includes("env"), !readsEnvironment);
  }
});

Deno.test("runProgram() drops the permission to run commands unless the arguments name one", async () => {
  for (const [words, isDropped] of [[["greet"], true], [["greet", "exec:true"], false]] as const) {
    const io = new DroppingIo();
    await runProgram(programThat(() => Promise.resolve(0)), words, io);
    assertEquals(io.dropped.includes("run"), isDropped, words.join(" "));
  }
});

Deno.test("runProgram() drops the permission to open the C library unless the command does so itself", async () => {
  for (const opensLibrary of [true, false]) {
    const io = new DroppingIo();
    const { commands, ...rest } = programThat(() => Promise.resolve(0));
    const opening = commands.map((entry) => ({
      ...entry,
      load: async () => ({ ...await entry.load(), opensLibrary }),
    }));
    await runProgram({ ...rest, commands: opening }, ["greet"], io);
    assertEquals(io.dropped.includes("ffi"), !opensLibrary);
  }
});

Deno.test("only commands with a relay keep the permission to open the C library, and drop it later", async () => {
  for (const program of [clientProgram, serverProgram, udpProgram]) {
    for (const { name, load } of program.commands) {
      assertEquals(
        Boolean((await load()).opensLibrary),
        program === serverProgram && /^(?:relay|stack)$/.test(name),
        name,
      );
    }
  }
});

Deno.test("runProgram() escapes control characters in errors", async () => {
  const { err } = await run(["greet"], new RefusedError("Cannot connect to \u001b[31mh\u0007"));
  assertEquals(err, "parley-test: Cannot connect to \\x1b[31mh\\x07\n");
});

Deno.test("COMMANDS names every command of each program (fault 34)", () => {
  for (const program of [clientProgram, serverProgram, udpProgram]) {
    const names = program.commands.map(({ name }) => name).filter((name) => !/^(?:help|man|completions)$/.test(name));
    assertEquals([...COMMANDS[program.name] ?? []], names);
  }
});

Deno.test("runProgram() names the program that has a command, and suggests only similar words (fault 34)", async () => {
  const cases = [
    [clientProgram, "relay", /; it is a command of parley-server and parley-udp\n/],
    [clientProgram, "echo", /; it is a command of parley-server\n/],
    [serverProgram, "replay", /; it is a command of parley-client and parley-udp\n/],
    [clientProgram, "scan", /; did you mean parley-client check HOST:PORT\.\.\.\?\n/],
    [serverProgram, "readiness", /; did you mean parley-server help readiness\?\n/],
    [clientProgram, "listen", /; did you mean parley-server pipe ENDPOINT, or parley-udp listen\?\n/],
    [serverProgram, "socat", /; did you mean parley-server help migrating\?\n/],
    [clientProgram, "db:5432", /; did you mean parley-client connect db:5432\?\n/],
    [serverProgram, ":8080", /; did you mean parley-server echo :8080\?\n/],
    [udpProgram, "udp://:5000", /; did you mean parley-udp send udp:\/\/:5000\?\n/],
    [clientProgram, "zzzz", /; the commands are connect, /],
    [clientProgram, "conect", /; did you mean connect\?\n/],
  ] as const;
  for (const [program, typed, says] of cases) {
    const io = new FakeIo();
    assertEquals(await runProgram(program, [typed], io), 2);
    assertMatch(io.err, says);
  }
});

Deno.test("runProgram() shows a command's help for `help COMMAND` (fault 34)", async () => {
  const [help, flag] = [new FakeIo(), new FakeIo()];
  assertEquals(await runProgram(clientProgram, ["help", "send"], help), 0);
  assertEquals(await runProgram(clientProgram, ["send", "--help"], flag), 0);
  assertEquals(help.out, flag.out);
  const wrong = new FakeIo();
  assertEquals(await runProgram(clientProgram, ["help", "sned"], wrong), 2);
  assertMatch(wrong.err, /did you mean send\?/);
});
