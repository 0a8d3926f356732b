import { assert, assertEquals, assertLess, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../src/cli/version.ts";
import { toolTest } from "../support/tools.ts";
import { executable, PROGRAMS, run, start } from "./compiled.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** Of `--version`. */
const MAX_START_MS = 150;
/** The same on a busy machine, in starts of an empty program under `deno run`; a compiled empty one takes two to three. */
const MAX_START_RATIO = 5;

/** Others may be using the machine: the best of so many starts count. */
const STARTS = 20;

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

for (const name of PROGRAMS) {
  Deno.test(`parley-${name} is one file that reports version, commit and runtime`, async () => {
    assert((await Deno.stat(executable(name))).isFile);
    const { code, stdout } = await run(name, ["--version"]);
    assertEquals(code, 0);
    assertMatch(
      stdout,
      new RegExp(`^parley-${name} ${VERSION} \\([0-9a-f]{7,40}(-dirty)?, deno \\d+\\.\\d+\\.\\d+, .+\\)\\n$`),
    );
  });

  Deno.test(`parley-${name} starts at once`, async () => {
    const empty = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-config", "data:text/javascript,"],
    });
    let [own, reference] = [Infinity, Infinity];
    const limit = () => Math.max(MAX_START_MS, MAX_START_RATIO * reference);
    for (let turn = 0; turn < STARTS && (turn < 5 || own >= limit()); turn++) {
      own = Math.min(own, await msOf(() => run(name, ["--version"])));
      reference = Math.min(reference, await msOf(() => empty.output()));
    }
    console.log(`parley-${name} starts in ${Math.round(own)} ms, an empty program in ${Math.round(reference)} ms`);
    assertLess(own, limit());
  });

  Deno.test(`parley-${name} --help and the help of every command show examples and pages of the manual`, async () => {
    const { code, stdout } = await run(name, ["--help"]);
    assertEquals(code, 0);
    const section = /^Commands:\n((?: {2}.*\n)+)/m.exec(stdout)?.[1] ?? "";
    // A summary that continues in the next line is indented further.
    const commands = [...section.matchAll(/^ {2}(\S+)/gm)].map(([, command = ""]) => command);
    assert(commands.length > 0);
    for (const command of commands) {
      const help = await run(name, [command, "--help"]);
      assertEquals(help.code, 0, command);
      assertStringIncludes(help.stdout, "Examples:");
      assertStringIncludes(help.stdout, "See also:");
    }
  });

  Deno.test(`parley-${name} help and man show a page of the manual`, async () => {
    const help = await run(name, ["help", "endpoints"]);
    assertEquals([help.code, help.stdout.split("\n")[0]], [0, "Endpoints"]);
    assertStringIncludes((await run(name, ["man", "endpoints"])).stdout, ".TH PARLEY\\-ENDPOINTS 7");
  });

  Deno.test(`parley-${name} refuses an unknown command and an unknown flag with exit code 2`, async () => {
    assertEquals((await run(name, ["nonsense"])).code, 2);
    assertEquals((await run(name, ["--nonsense"])).code, 2);
  });
}

/** A test for Linux only, because it needs a Linux tool. */
function straceTest(name: string, check: () => Promise<void>): void {
  if (Deno.build.os === "linux") toolTest("strace", name, check);
}

/** A test for where there are shells. */
function bashTest(name: string, check: () => Promise<void>): void {
  if (Deno.build.os !== "windows") toolTest("bash", name, check);
}

for (const name of PROGRAMS) {
  bashTest(`parley-${name} completions bash is a script that completes its commands`, async () => {
    const { code, stdout } = await run(name, ["completions", "bash"]);
    assertEquals(code, 0);
    const bash = new Deno.Command("bash", {
      args: [
        "--norc",
        "-c",
        `${stdout}\nCOMP_LINE='parley-${name} --hel'; COMP_WORDS=(parley-${name} --hel); COMP_CWORD=1; "$1"; echo "\${COMPREPLY[@]}"`,
        "bash",
        `_parley_${name}`,
      ],
    });
    const outcome = await bash.output();
    assertEquals(new TextDecoder().decode(outcome.stderr), "");
    assertEquals(new TextDecoder().decode(outcome.stdout), "--help\n");
  });

  Deno.test(`parley-${name} prints its completions for zsh and fish, and its manual page`, async () => {
    for (const words of [["completions", "zsh"], ["completions", "fish"], ["man"]]) {
      const { code, stdout } = await run(name, words);
      assertEquals(code, 0, words.join(" "));
      assertStringIncludes(stdout, words[0] === "man" ? `.TH` : `parley-${name}`);
    }
  });
}

straceTest("parley-server opens only the files on its command line, whatever its clients request", async () => {
  const trace = await Deno.makeTempFile();
  try {
    // With -D the child is the server, and strace its companion: a signal reaches the server.
    const args = ["-D", "-f", "-qq", "-o", trace, "-e", "trace=open,openat,creat", executable("server")];
    await using child = new Deno.Command("strace", {
      args: [...args, "chat", "ws://127.0.0.1:0"],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const address = (await endpointIn(child.stderr)).replace("ws:", "http:");
    const page = await fetch(address);
    assertStringIncludes(await page.text(), "<title>");
    const before = (await Deno.readTextFile(trace)).split("\n").length;
    assert(before > 5);
    for (
      const path of ["/../../../../etc/passwd", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page.html/etc/passwd"]
    ) {
      assertStringIncludes(await rawRequest(address, path), " 404 ");
    }
    const opened = (await Deno.readTextFile(trace)).split("\n").slice(before - 1).filter((line) =>
      line.includes("open")
    );
    assertEquals(opened, []);
    child.kill("SIGTERM");
    await child.status;
  } finally {
    await Deno.remove(trace);
  }
});

/** The first line of the answer to a path that `fetch()` would tidy. */
async function rawRequest(address: string, path: string): Promise<string> {
  const { hostname, port, host } = new URL(address);
  using conn = await Deno.connect({ hostname, port: Number(port) });
  await conn.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
  const bytes = new Uint8Array(1024);
  const count = await conn.read(bytes) ?? 0;
  return new TextDecoder().decode(bytes.subarray(0, count)).split("\r\n")[0] ?? "";
}

straceTest(
  "parley-server relay resets a client through the C library, which is opened before the permission is dropped",
  async () => {
    const trace = await Deno.makeTempFile();
    try {
      const target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = target.addr;
      target.close();
      const args = ["-D", "-f", "-qq", "-o", trace, "-e", "trace=connect", executable("server")];
      await using child = new Deno.Command("strace", {
        args: [...args, "relay", "127.0.0.1:0", `127.0.0.1:${port}`],
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const { hostname, port: relayed } = new URL((await endpointIn(child.stderr)).replace("tcp:", "http:"));
      using client = await Deno.connect({ hostname, port: Number(relayed) });
      await assertRejects(() => client.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
      child.kill("SIGTERM");
      await child.status;
      assertStringIncludes(await Deno.readTextFile(trace), "AF_UNSPEC");
    } finally {
      await Deno.remove(trace);
    }
  },
);

straceTest("parley-server serving echo opens no file for writing", async () => {
  const trace = await Deno.makeTempFile();
  try {
    const command = new Deno.Command("strace", {
      args: [
        "-f",
        "-qq",
        "-o",
        trace,
        "-e",
        "trace=open,openat,creat",
        executable("server"),
        "echo",
        ":0",
        "--max-accepts",
        "1",
      ],
      stdout: "null",
      stderr: "piped",
    });
    await using child = command.spawn();
    const endpoint = await endpointIn(child.stderr);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(endpoint.split(":").at(-1)) });
    await conn.write(new TextEncoder().encode("hello"));
    await conn.closeWrite();
    await conn.read(new Uint8Array(16));
    assertEquals((await child.status).code, 0);
    const opened = (await Deno.readTextFile(trace)).split("\n");
    assert(opened.length > 5);
    assertEquals(opened.filter((line) => /O_WRONLY|O_RDWR|O_CREAT|creat\(/.test(line)), []);
  } finally {
    await Deno.remove(trace);
  }
});

for (
  const [name, words] of [["server", ["--version"]], ["client", ["--version"]], ["udp", ["--version"]], ["server", [
    "echo",
    ":0",
    "--max-accepts",
    "1",
  ]]] as const
) {
  straceTest(`parley-${name} ${words[0]} loads no code from the folder for temporary files (fault 61)`, async () => {
    await using scratch = await temporaryFolder();
    const trace = `${scratch.path}/trace`;
    const temporary = `${scratch.path}/tmp`;
    await Deno.mkdir(temporary);
    await using child = new Deno.Command("strace", {
      args: ["-f", "-qq", "-o", trace, "-e", "trace=%file", executable(name), ...words],
      env: { TMPDIR: temporary },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    if (words[0] === "echo") {
      const port = Number((await endpointIn(child.stderr)).split(":").at(-1));
      using _conn = await Deno.connect({ hostname: "127.0.0.1", port });
    } else {
      await child.stderr.cancel();
    }
    assertEquals((await child.status).code, 0);
    const calls = (await Deno.readTextFile(trace)).split("\n");
    assert(calls.length > 5);
    assertEquals(calls.filter((line) => line.includes(temporary) || line.includes("deno-compile")), []);
  });
}

/** The endpoint of the line "listening on"; what follows is read and dropped. */
async function endpointIn(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const lines = stream.pipeThrough(new TextDecoderStream());
  const reader = lines.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    text += value ?? "";
    const endpoint = /listening on (\S+)\n/.exec(text)?.[1];
    if (endpoint === undefined && !done) continue;
    void (async () => {
      while (!(await reader.read()).done) {
        // Dropped.
      }
    })();
    if (endpoint === undefined) throw new Error(`no endpoint in:\n${text}`);
    return endpoint;
  }
}

Deno.test("a compiled program may read a file from its command line, and reports a missing one", async () => {
  const { code, stderr } = await run("server", ["echo", ":0", "--access-file", "/nowhere/access"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "no such file");
  await using server = start("server", ["echo", ":0", "--print-endpoint"]);
  assertMatch(await server.line(), /^tcp:\/\/127\.0\.0\.1:\d+$/);
});
