/** What every program owes to the one who runs it: exit codes, signals, streams that fail. */

import { assert, assertEquals, assertMatch, assertNotMatch, assertThrows } from "@std/assert";
import { fromFileUrl } from "../support/paths.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { runProgram, startProgram, startServer } from "../support/program.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { withFolder } from "../support/temporary.ts";
import { toolTest } from "../support/tools.ts";

const UNIX = { ignore: Deno.build.os === "windows" };
const LINUX = { ignore: Deno.build.os !== "linux" };

/** Runs a program by a shell, for what only a shell can do with its streams. */
async function shell(script: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script],
    env: { DENO: Deno.execPath(), SRC: fromFileUrl("../../src"), NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function assertOneLine(text: string, pattern: RegExp): void {
  assertMatch(text, pattern);
  assertEquals(text.trimEnd().split("\n").length, 1, text);
}

/** A client that is being sent to, and reads no more: it holds a drain up. */
async function stalledClient(endpoint: string): Promise<Deno.Conn> {
  const conn = await dial(endpoint);
  await conn.read(new Uint8Array(1));
  return conn;
}

for (const signal of ["SIGHUP", "SIGQUIT"] as const) {
  Deno.test(`${signal} ends check and smoke together with the command of an exec: check`, UNIX, async () => {
    await withFolder(async (folder) => {
      const endpoint = `exec:sh ${folder}/command`;
      const script = `echo $$ > ${folder}/draft; mv ${folder}/draft ${folder}/pid; exec sleep 60`;
      await Deno.writeTextFile(`${folder}/command`, script);
      const smoke = JSON.stringify({ tests: [{ name: "a command", endpoint, check: {}, timeout: "30s" }] });
      await Deno.writeTextFile(`${folder}/smoke.json`, smoke);
      for (const args of [["check", "--timeout", "30s", endpoint], ["smoke", `${folder}/smoke.json`]]) {
        await using program = startProgram("client", args, { permissions: ["-A"], wrapper: ["env"] });
        let pid = 0;
        while (pid === 0) {
          pid = Number(await Deno.readTextFile(`${folder}/pid`).catch(() => 0));
          await new Promise((done) => setTimeout(done, 5));
        }
        program.kill(signal);
        assertEquals((await program.outcome()).code, signal === "SIGHUP" ? 129 : 131, args[0]);
        assertThrows(() => Deno.kill(pid, 0), Deno.errors.NotFound);
        await Deno.remove(`${folder}/pid`);
      }
    });
  });
}

for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  Deno.test(
    `${signal} drains: a client's data is echoed, then the connection ends, and the exit code is 0`,
    UNIX,
    async () => {
      await using started = await startServer(["echo", ":0", "--framing", "line"]);
      using conn = await dial(started.endpoint);
      const peer = new LinePeer(conn);
      await peer.send("before");
      assertEquals(await peer.line(), "before");
      started.server.kill(signal);
      assertEquals(await peer.line(), undefined);
      await conn.closeWrite();
      assertEquals((await started.server.outcome()).code, 0);
    },
  );

  Deno.test(`a second ${signal} ends a server at once with code ${code}`, UNIX, async () => {
    await using started = await startServer(["chargen", ":0", "--drain-timeout", "1h"]);
    using _ = await stalledClient(started.endpoint);
    started.server.kill(signal);
    await started.server.errorLine(/draining/);
    started.server.kill(signal);
    assertEquals((await started.server.outcome()).code, code);
  });
}

Deno.test("the drain ends at its deadline, whatever a client does", UNIX, async () => {
  await using started = await startServer(["chargen", ":0", "--drain-timeout", "100ms"]);
  using _ = await stalledClient(started.endpoint);
  started.server.kill("SIGTERM");
  const { code, stderr } = await started.server.outcome();
  assertEquals(code, 0);
  assertMatch(stderr, /drain timed out, closing the remaining connections/);
});

Deno.test("a signal to a server without clients ends it with code 0", UNIX, async () => {
  await using started = await startServer(["echo", ":0", ":0"]);
  started.server.kill("SIGTERM");
  assertEquals((await started.server.outcome()).code, 0);
});

Deno.test("--exit-after ends the server once that many clients are through", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "line", "--exit-after", "2"]);
  for (const text of ["first", "second"]) {
    using conn = await dial(started.endpoint);
    const peer = new LinePeer(conn);
    await peer.send(text);
    assertEquals(await peer.line(), text);
  }
  assertEquals((await started.server.outcome()).code, 0);
});

Deno.test("--ready-file has every endpoint in it as soon as it is there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/ready`;
    const files = `${path},${path}.draft`;
    const permissions = ["-N", `--allow-read=${files}`, `--allow-write=${files}`];
    await using started = await startServer(["echo", ":0", ":0", "--ready-file", path], { permissions });
    const endpoints = [started.endpoint, await started.server.line()];
    while (!await Deno.stat(path).then(() => true, () => false)) await new Promise((done) => setTimeout(done, 5));
    assertEquals(await Deno.readTextFile(path), endpoints.map((endpoint) => `${endpoint}\n`).join(""));
    using _ = await dial(endpoints[1] ?? "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("--ready-file in a folder that is not there is one line and exit code 2", async () => {
  const { code, stderr } = await runProgram("server", ["echo", ":0", "--ready-file", "/nowhere/ready"], {
    permissions: ["-N", "-R", "-W"],
  });
  assertEquals(code, 2);
  assertMatch(stderr, /^parley-server: Cannot write the ready file \/nowhere\/ready: no such folder\nTry: .*\n$/);
});

Deno.test("a missing permission is one line that names the flag, and exit code 8", async () => {
  const cases: [string[], string[], RegExp][] = [
    [["--allow-net=127.0.0.1:1"], ["echo", "tcp://127.0.0.1:0"], /run again with --allow-net=127\.0\.0\.1:0$/m],
    [[], ["echo", "tcp://127.0.0.1:0"], /run again with --allow-net=127\.0\.0\.1:0$/m],
    [
      ["-N"],
      ["echo", ":0", "--ready-file", "/tmp/never"],
      /--allow-read=\/tmp\/never,\/tmp\/never\.draft --allow-write=\/tmp\/never,\/tmp\/never\.draft$/m,
    ],
    [["-N"], ["echo", "unix:/tmp/never.sock"], /--allow-read/],
  ];
  for (const [permissions, args, pattern] of cases) {
    const { code, stdout, stderr } = await runProgram("server", args, { permissions });
    assertEquals([code, stdout], [8, ""], stderr);
    assertOneLine(stderr.replace(/^.*listening on.*\n/, ""), pattern);
    assertNotMatch(stderr, /\n\s+at /);
  }
});

Deno.test("an address in use is one line and exit code 8", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await runProgram("server", ["echo", `:${listener.addr.port}`]);
  assertEquals(code, 8);
  assertOneLine(stderr, /^parley-server: Cannot listen on tcp:\/\/127\.0\.0\.1:\d+: address already in use$/m);
});

Deno.test("a wrong endpoint, flag or command is exit code 2, and the right one is shown", async () => {
  const cases: [string[], RegExp][] = [
    [["echo", "fc00::1%eth0"], /for example tcp:\/\/127\.0\.0\.1:8888/],
    [["echo", "999.1.1.1:80"], /is not an IP address/],
    [["echo", ":65536"], /65536/],
    [["echo", "unix:"], /path of the socket is missing/],
    [["echo", "--idle-timeuot", "2s"], /did you mean --idle-timeout\?/],
    [["echo", "--idle-timeout", "2"], /--idle-timeout: Cannot parse duration "2"/],
    [["ehco"], /did you mean echo\?/],
    [["echo", "--framing", "lines"], /Cannot parse framing "lines"/],
  ];
  for (const [args, pattern] of cases) {
    const { code, stdout, stderr } = await runProgram("server", args);
    assertEquals([code, stdout], [2, ""], stderr);
    const [line, hint, ...rest] = stderr.trimEnd().split("\n");
    assertMatch(line ?? "", pattern);
    assertMatch(hint ?? "", /^Try: parley-server( echo)? --help$/);
    assertEquals(rest, []);
  }
});

Deno.test("--version prints version, runtime and build; --help shows examples first", async () => {
  for (const name of ["server", "client", "udp"] as const) {
    const version = await runProgram(name, ["--version"], { permissions: [] });
    assertMatch(
      version.stdout,
      new RegExp(`^parley-${name} \\d+\\.\\d+\\.\\d+ \\(source, deno \\d+\\.\\d+\\.\\d+, \\w+ \\w+`),
    );
    const help = await runProgram(name, ["--help"], { permissions: [] });
    assertEquals([version.code, help.code, help.stderr], [0, 0, ""]);
    assert(help.stdout.indexOf("Examples:") < help.stdout.indexOf("Commands:"));
  }
});

Deno.test("a full disk under standard output is one line and exit code 8", LINUX, async () => {
  const cases = ["server.ts --help", "server.ts echo :0 --print-endpoint --log-level warning"];
  for (const words of cases) {
    const { code, stderr } = await shell(`"$DENO" run -N "$SRC/"${words} > /dev/full`);
    assertEquals(code, 8, stderr);
    assertOneLine(stderr, /no space left on device/i);
  }
});

Deno.test("a closed pipe under standard output ends a program without a word", UNIX, async () => {
  const { stderr, stdout } = await shell(
    `{ sleep 0.2; "$DENO" run -N "$SRC/server.ts" --help; echo "code $?" >&2; } | true`,
  );
  assertEquals([stdout, stderr], ["", "code 141\n"]);
});

Deno.test("a closed pipe ends a program silently", UNIX, async () => {
  await using echo = await startServer(["echo", ":0"]);
  for (const words of [`send ${echo.endpoint} x`, `bench ${echo.endpoint} -n 1`, `check ${echo.endpoint}`]) {
    const { stderr } = await shell(
      `{ sleep 0.2; "$DENO" run -N "$SRC/client.ts" ${words}; echo "code $?" >&2; } | true`,
    );
    assertEquals(stderr, "code 141\n", words);
  }
});

Deno.test("a directory for standard input is one line and exit code 2", LINUX, async () => {
  await using echo = await startServer(["echo", ":0"]);
  for (const words of [`send ${echo.endpoint}`, `connect ${echo.endpoint}`]) {
    const { code, stderr } = await shell(`"$DENO" run -N "$SRC/client.ts" ${words} < /`);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, /^parley-client: Cannot read standard input: it is a directory\n/);
  }
});

Deno.test("a failure with --json is reported even if standard output is full or closed", LINUX, async () => {
  const words = `"$DENO" run -N "$SRC/client.ts" check tcp://127.0.0.1:1 --json`;
  const full = await shell(`${words} > /dev/full`);
  assertEquals(full.code, 8, full.stderr);
  assertNotMatch(full.stderr, /\n\s+at |Uncaught/);
  const closed = await shell(`{ sleep 0.2; ${words}; echo "code $?" >&2; } | true`);
  assertEquals(closed.stderr, "code 141\n");
});

Deno.test("standard error that fails changes no exit code", LINUX, async () => {
  for (const redirection of ["2>&-", "2>/dev/full", "2> >(true)"]) {
    const client = await shell(`"$DENO" run -N "$SRC/client.ts" check tcp://127.0.0.1:1 ${redirection}`);
    assertEquals(client.code, 4, redirection);
    const usage = await shell(`"$DENO" run -N "$SRC/server.ts" echo --wrong ${redirection}`);
    assertEquals(usage.code, 2, redirection);
  }
  await using silent = await startServer(["discard", ":0"]);
  for (
    const [words, code] of [
      [`send ${silent.endpoint} x --timeout 100ms`, 5],
      [`check ${silent.endpoint} -- true`, 0],
      [`run --start false --check 127.0.0.1:1 -- true`, 1],
      ["", 2],
    ] as const
  ) {
    for (const redirection of ["2>/dev/full", "2> >(true)"]) {
      const program = await shell(`{ sleep 0.1; "$DENO" run -A "$SRC/client.ts" ${words}; } ${redirection}`);
      assertEquals(program.code, code, `${words} ${redirection}`);
    }
  }
});

Deno.test("connect -- COMMAND loses no output of the program when standard error fails", LINUX, async () => {
  // The program writes after the failure.
  const command = `sh -c 'echo warning >&2; sleep 0.1; echo hello; exit 3'`;
  for (const redirection of ["2>&-", "2>/dev/full", "2> >(true)"]) {
    const received = Promise.withResolvers<string>();
    await using peer = scriptedPeer(async (conn) => {
      received.resolve(await readTextToEnd(conn));
      conn.close();
    });
    const words = `"$DENO" run -A "$SRC/client.ts" connect ${peer.endpoint} -- ${command}`;
    const { code } = await shell(`{ sleep 0.1; ${words}; } ${redirection}`);
    assertEquals([code, await received.promise], [3, "hello\n"], redirection);
  }
});

Deno.test("a report can be written to a pipe that is open, such as /dev/stdout", LINUX, async () => {
  await using server = await startServer(["discard", ":0"]);
  const words = `run --start 'sleep 60' --check ${server.endpoint} --junit /dev/stdout -- true`;
  const { stdout, stderr } = await shell(`"$DENO" run -A "$SRC/client.ts" ${words} | cat`);
  assertEquals(stderr, "");
  assertMatch(stdout, /<\/testsuites?>\s*$/);
});

toolTest(
  "perl",
  "standard output that another program has made non-blocking loses nothing while it is full",
  async () => {
    const text = "a".repeat(300_000);
    await using peer = scriptedPeer(async (conn) => {
      await writeAll(conn, text);
      conn.close();
    });
    const nonBlocking = `perl -MFcntl -e 'fcntl(STDOUT, F_SETFL, O_NONBLOCK); exec @ARGV'`;
    for (const words of [`connect ${peer.endpoint} </dev/null`, `send ${peer.endpoint} ''`]) {
      const program = `${nonBlocking} "$DENO" run -N "$SRC/client.ts" ${words}`;
      const { stdout, stderr } = await shell(`${program} | { sleep 0.3; wc -c; }`);
      assertEquals([stdout.trim(), stderr], [String(text.length), ""], words);
    }
  },
);

Deno.test("a server whose log cannot be written still serves", LINUX, async () => {
  for (const redirection of ["2>&-", "2>/dev/full", "2> >(true)"]) {
    const { code, stdout } = await shell(`
      coproc SERVER { sleep 0.1; exec "$DENO" run -N "$SRC/server.ts" greet :0 --print-endpoint --exit-after 1 --log-level debug ${redirection}; }
      pid=$SERVER_PID
      read -r endpoint <&"\${SERVER[0]}"
      exec 3<>/dev/tcp/127.0.0.1/"\${endpoint##*:}"
      read -r greeting <&3; echo fine >&3; exec 3>&-
      echo "$greeting"
      wait "$pid"`);
    assertEquals([stdout, code], ["Hey What's up?\n", 0], redirection);
  }
});

Deno.test("a server is restarted on its port at once, with connections in TIME_WAIT", UNIX, async () => {
  let endpoint = "tcp://127.0.0.1:0";
  for (let round = 0; round < 3; round++) {
    await using started = await startServer(["echo", endpoint, "--framing", "line"]);
    if (round > 0) assertEquals(started.endpoint, endpoint);
    endpoint = started.endpoint;
    using conn = await dial(endpoint);
    const peer = new LinePeer(conn);
    await peer.send("hello");
    assertEquals(await peer.line(), "hello");
    // A crash: the server's side of the connection ends first, and waits.
    started.server.kill("SIGKILL");
    assertEquals(await peer.line(), undefined);
  }
});

Deno.test("log lines carry the context, the connection's number and the peer, as text and as JSON", async () => {
  await using started = await startServer(["greet", ":0", "--exit-after", "1"]);
  await startedReply(started.endpoint);
  const { stderr } = await started.server.outcome();
  assertMatch(stderr, /^\d\d:\d\d:\d\d\.\d{3} info \[greet\] listening on tcp:\/\/127\.0\.0\.1:\d+$/m);
  assertMatch(stderr, /^[\d:.]+ info \[greet\] .*connection=1 peer=tcp:\/\/127\.0\.0\.1:\d+/m);
  await using asJson = await startServer(["greet", ":0", "--exit-after", "1", "--log-format", "json"]);
  await startedReply(asJson.endpoint);
  const lines = (await asJson.server.outcome()).stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert(lines.every(({ time, level, context, text }) => Date.parse(time) && level && context === "greet" && text));
  assert(lines.some(({ connection, peer }) => connection === 1 && /^tcp:\/\/127\.0\.0\.1:\d+$/.test(peer)));

  async function startedReply(endpoint: string): Promise<void> {
    using conn = await dial(endpoint);
    const peer = new LinePeer(conn);
    await peer.line();
    await writeAll(conn, "fine\n");
    assertEquals(await peer.line(), undefined);
  }
});

Deno.test("a program without a command shows its help and exits with code 2", async () => {
  await using program = startProgram("server", [], { permissions: [] });
  const { code, stdout, stderr } = await program.outcome();
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^parley-server: /);
});

Deno.test("no program loads modules of Node before it knows the command", async () => {
  for (const name of ["server", "client", "udp"]) {
    const args = ["info", "--json", fromFileUrl(`../../src/${name}.ts`)];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
    const { roots, modules }: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
    const loaded = new Set(roots);
    // A set also iterates over what is added meanwhile.
    for (const specifier of loaded) {
      for (const { code, isDynamic } of modules.find((module) => module.specifier === specifier)?.dependencies ?? []) {
        if (code?.specifier !== undefined && !isDynamic) loaded.add(code.specifier);
      }
    }
    assert(loaded.size > 10, `${loaded.size} modules of ${name}`);
    assertEquals([...loaded].filter((specifier) => specifier.startsWith("node:")), [], name);
  }
});

/** The part of the output of `deno info --json` that is used. */
interface ModuleGraph {
  readonly roots: readonly string[];
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}
