import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { OWN_PROCESS, type Program, runProgram, type StartOptions, startServer } from "../support/in_process.ts";

const ANN = await nameLine("ann", "correct horse");

async function withNames(run: (file: string) => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, ANN);
    await run(file);
  } finally {
    await Deno.remove(file);
  }
}

async function nameLine(name: string, password: string): Promise<string> {
  const { code, stdout } = await runProgram("server", ["hash-password", name], { input: `${password}\n` });
  assertEquals(code, 0);
  return stdout;
}

function start(service: string[], file: string, options?: StartOptions) {
  return startServer([...service, ":0", "--auth", file], options);
}

Deno.test("hash-password rejects the names that the chat rejects (chat L3)", async () => {
  for (const name of ["éж", "a.b", "x".repeat(33), "a b", "", "a:b", "#a"]) {
    const { code, stdout, stderr } = await runProgram("server", ["hash-password", name], { input: "secret\n" });
    assertEquals([code, stdout], [2, ""], name);
    assertMatch(stderr, /^parley-server: Cannot use ".*" as a name: A name (has|must not)/);
  }
  const longest = "x".repeat(30) + "-_";
  assertMatch((await runProgram("server", ["hash-password", longest], { input: "secret\n" })).stdout, /^x+-_:scrypt/);
});

Deno.test("hash-password prints a line for the file of names, never the password", async () => {
  const { stdout, stderr } = await runProgram("server", ["hash-password", "ann", "--role", "operator"], {
    input: "secret\n",
  });
  assertMatch(stdout, /^ann:scrypt\$15\$8\$1\$[\w+/=]+\$[\w+/=]+:operator\n$/);
  assertEquals(stderr, "");
  assertEquals((await runProgram("server", ["hash-password"], { input: "\n" })).code, 2);
});

Deno.test("--auth serves raw bytes after the login line, also those in the same segment", () =>
  withNames(async (file) => {
    await using started = await start(["echo"], file);
    using conn = await dial(started.endpoint);
    const peer = new LinePeer(conn);
    await writeAll(conn, "/login ann corr");
    await writeAll(conn, "ect horse\r\nhello\n");
    assertEquals([await peer.line(), await peer.line()], ["* logged in as ann", "hello"]);
    await peer.send("more");
    assertEquals(await peer.line(), "more");
    assertMatch(await started.server.errorLine(/logged in/), /peer=\S+ name=ann/);
  }));

Deno.test("--auth rejects a wrong password, an unknown name and anything else, and serves nothing", () =>
  withNames(async (file) => {
    await using started = await start(["greet"], file);
    for (const line of ["/login ann wrong", "/login eve correct horse", "hello", "/login ann"]) {
      using conn = await dial(started.endpoint);
      await writeAll(conn, `${line}\n`);
      const answer = await readTextToEnd(conn);
      assertMatch(answer, /^! (?:wrong name or password|log in first: \/login NAME PASSWORD)\n$/);
    }
  }));

Deno.test("--auth works message by message with a framing", () =>
  withNames(async (file) => {
    await using started = await start(["reply", "--text", "you said {message}"], file);
    using conn = await dial(started.endpoint);
    const peer = new LinePeer(conn);
    await writeAll(conn, "/login ann correct horse\nfirst\n");
    assertEquals([await peer.line(), await peer.line()], ["* logged in as ann", "you said first"]);
  }));

Deno.test("--auth reads its file again at SIGHUP, and keeps the names when the new ones are wrong", () =>
  withNames(async (file) => {
    await using started = await start(["echo"], file, { permissions: ["-N", "-R"] });
    await Deno.writeTextFile(file, await nameLine("bob", "builder"));
    await reload(started.server, /names reloaded .*names=1/);
    assertEquals(await logIn(started.endpoint, "bob builder"), "* logged in as bob");
    assertEquals(await logIn(started.endpoint, "ann correct horse"), "! wrong name or password");
    await Deno.writeTextFile(file, "nonsense");
    await reload(started.server, /cannot reload the names; keeping the old ones .*line 1/);
    assertEquals(await logIn(started.endpoint, "bob builder"), "* logged in as bob");
  }));

Deno.test("--auth with a missing file, a wrong line, a missing permission: one line each", () =>
  withNames(async (file) => {
    const missing = await runProgram("server", ["echo", ":0", "--auth", "/nowhere"]);
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.stderr, "Cannot read the names of --auth /nowhere: no such file");
    await Deno.writeTextFile(file, "ann:secret\n");
    const wrong = await runProgram("server", ["echo", ":0", "--auth", file]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.stderr, "line 1: invalid password hash");
    const denied = await runProgram("server", ["echo", ":0", "--auth", file], OWN_PROCESS);
    assertEquals([denied.code, denied.stderr.trim().split("\n").length], [8, 1]);
    assertStringIncludes(denied.stderr, `--allow-read=${file}`);
  }));

Deno.test("--access-file is read again at SIGHUP", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "deny 127.0.0.1\n");
    await using started = await startServer(["greet", ":0", "--access-file", file], { permissions: ["-N", "-R"] });
    using refused = await dial(started.endpoint);
    assertEquals(await readTextToEnd(refused), "");
    await Deno.writeTextFile(file, "allow 127.0.0.0/8\n");
    await reload(started.server, /address ranges reloaded/);
    using welcome = await dial(started.endpoint);
    assertEquals(await new LinePeer(welcome).line(), "Hey What's up?");
  } finally {
    await Deno.remove(file);
  }
});

for (const text of ["", "\n", "# no one yet\n"]) {
  Deno.test(`an empty file is a warning for --auth and --access-file: ${JSON.stringify(text)} (fault 60)`, async () => {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, text);
      const args = ["echo", ":0", "--auth", file, "--access-file", file];
      await using started = await startServer(args);
      await started.server.errorLine(/ warning .*has no ranges: all addresses are allowed/);
      await started.server.errorLine(/ warning .*no one can log in: the file of --auth has no entry/);
    } finally {
      await Deno.remove(file);
    }
  });
}

async function reload(server: Program, said: RegExp): Promise<void> {
  server.kill("SIGHUP");
  await server.errorLine(said);
}

async function logIn(endpoint: string, words: string): Promise<string | undefined> {
  using conn = await dial(endpoint);
  const peer = new LinePeer(conn);
  await peer.send(`/login ${words}`);
  return await peer.line();
}
