import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { type Program, runProgram, startProgram } from "../support/in_process.ts";
import { withFolder } from "../support/temporary.ts";

const ALL = { permissions: ["-A"] };

const SIX = `
services:
  echo: { service: echo, endpoint: ":0", framing: line }
  answer: { service: reply, endpoint: ":0", http: true, text: ok }
  upper: { service: exec, endpoint: ":0", program: [tr, a-z, A-Z] }
  sink: { service: discard, endpoint: ":0" }
  clock: { service: daytime, endpoint: ":0" }
  talk: { service: chat, endpoints: [":0", "ws://127.0.0.1:0"] }
`;

/** Runs with a stack file in a folder of its own. */
async function withFile(text: string, run: (path: string, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const path = `${folder}/stack.yaml`;
    await Deno.writeTextFile(path, text);
    await run(path, folder);
  });
}

/** The lines that `--print-endpoint` prints, up to that of the name. */
async function readyLines(server: Program, last: string): Promise<Record<string, string>> {
  const lines: Record<string, string> = {};
  while (lines[last] === undefined) {
    const [key = "", value = ""] = (await server.line()).split("=");
    lines[key] = value;
  }
  return lines;
}

Deno.test("stack serves six services in one process, by one metrics endpoint, and one SIGTERM drains all", async () => {
  await withFile(SIX, async (path) => {
    const startMs = performance.now();
    await using server = startProgram("server", ["stack", path, "--metrics", ":0", "--print-endpoint"]);
    const at = await readyLines(server, "PARLEY_METRICS");
    assert(performance.now() - startMs < 5_000);
    using echo = await dial(at["PARLEY_ECHO"] ?? "");
    const peer = new LinePeer(echo);
    await peer.send("hi");
    assertEquals(await peer.line(), "hi");
    assertEquals(await (await fetch(`http://127.0.0.1:${at["PARLEY_ANSWER_PORT"]}/`)).text(), "ok");
    using upper = await dial(at["PARLEY_UPPER"] ?? "");
    await writeAll(upper, "loud");
    await upper.closeWrite();
    assertEquals(await readTextToEnd(upper), "LOUD");
    assertMatch(at["PARLEY_TALK_2"] ?? "", /^ws:/);
    const metrics = await (await fetch(at["PARLEY_METRICS"] ?? "")).text();
    assertStringIncludes(metrics, 'parley_connections_open{service="echo"} 1\n');
    assertStringIncludes(metrics, 'parley_connections_accepted_total{service="sink"} 0\n');
    assertEquals(metrics.match(/# TYPE parley_connections_open /g)?.length, 1);
    const seen = await (await fetch(new URL("/connections", at["PARLEY_METRICS"]))).json();
    assertEquals(
      seen.services.map(({ service, accepted }: { service: string; accepted: number }) => [service, accepted]),
      [["echo", 1], ["answer", 1], ["upper", 1], ["sink", 0], ["clock", 0], ["talk", 0]],
    );
    assertEquals(await (await fetch(new URL("/healthz", at["PARLEY_METRICS"]))).text(), "ok\n");
    server.kill("SIGTERM");
    assertEquals(await peer.line(), undefined);
    echo.close();
    const { code, stderr } = await server.outcome();
    assertEquals([code, stderr.match(/ ended accepted=/g)?.length], [0, 6]);
  });
});

Deno.test("stack -- COMMAND gives the command every endpoint, drains after it, and exits with its code", async () => {
  await withFile(SIX, async (path) => {
    const script = 'echo "$PARLEY_ECHO $PARLEY_ECHO_HOST $PARLEY_ECHO_PORT"; exit 9';
    const { code, stdout } = await runProgram("server", ["stack", path, "--", "sh", "-c", script], ALL);
    assertEquals(code, 9);
    assertMatch(stdout, /^tcp:\/\/127\.0\.0\.1:(\d+) 127\.0\.0\.1 \1\n$/);
  });
});

Deno.test("stack --ready-file writes names and endpoints as JSON, or as lines for a shell, and removes them at the end", async () => {
  await withFile(SIX, async (path, folder) => {
    const json = `${folder}/ready.json`;
    const show = `cat ${json}`;
    const { stdout } = await runProgram("server", ["stack", path, "--ready-file", json, "--", "sh", "-c", show], ALL);
    const ready = JSON.parse(stdout);
    assertEquals(Object.keys(ready), ["echo", "answer", "upper", "sink", "clock", "talk"]);
    assertMatch(ready.echo[0], /^tcp:\/\/127\.0\.0\.1:\d+$/);
    assertEquals([ready.echo.length, ready.talk.length], [1, 2]);
    const env = `${folder}/ready.env`;
    const use = `. ${env}; echo "$PARLEY_CLOCK"`;
    const lines = await runProgram("server", ["stack", path, "--ready-file", env, "--", "sh", "-c", use], ALL);
    assertMatch(lines.stdout, /^tcp:\/\/127\.0\.0\.1:\d+\n$/);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["stack.yaml"]);
  });
});

Deno.test("stack --check says whether the file is right, and listens nowhere", async () => {
  const port = closedPort();
  await withFile(`services: { a: { service: echo, endpoint: ":${port}" } }`, async (path) => {
    await using other = {
      listener: Deno.listen({ port, hostname: "127.0.0.1" }),
      [Symbol.asyncDispose]: async () => {},
    };
    const { code, stdout } = await runProgram("server", ["stack", path, "--check"]);
    assertEquals([code, stdout], [0, `${path}: ok, 1 service\n`]);
    other.listener.close();
  });
  await withFile("services: { a: { service: ecko } }", async (path) => {
    const { code, stderr } = await runProgram("server", ["stack", path, "--check"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `${path}:1: services.a.service: `);
  });
});

Deno.test("stack ends at once if a service cannot listen (8) or rejects its settings (2)", async () => {
  using taken = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = taken.addr as Deno.NetAddr;
  const first = 'a: { service: echo, endpoint: ":0" }';
  await withFile(`services: { ${first}, b: { service: echo, endpoint: ":${port}" } }`, async (path) => {
    const { code, stderr } = await runProgram("server", ["stack", path, "--", "echo", "ran"], ALL);
    assertEquals(code, 8);
    assertMatch(stderr, /address is in use|in use/);
  });
  await withFile(`services: { ${first},\n b: { service: exec, program: [no-such-command] } }`, async (path) => {
    const { code, stderr } = await runProgram("server", ["stack", path]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `${path}:2: services.b: Cannot run "no-such-command": no such command`);
  });
});

Deno.test("stack reads a service's lists again on SIGHUP", async () => {
  await withFile("", async (path, folder) => {
    await Deno.writeTextFile(`${folder}/access`, "deny 127.0.0.1\n");
    await Deno.writeTextFile(path, `services: { a: { service: echo, endpoint: ":0", access-file: ${folder}/access } }`);
    await using server = startProgram("server", ["stack", path, "--print-endpoint"], ALL);
    const at = await readyLines(server, "PARLEY_A_PORT");
    {
      using conn = await dial(at["PARLEY_A"] ?? "");
      assertEquals(await readTextToEnd(conn), "");
    }
    await Deno.writeTextFile(`${folder}/access`, "allow 127.0.0.1\n");
    server.kill("SIGHUP");
    await server.errorLine(/address ranges/);
    using conn = await dial(at["PARLEY_A"] ?? "");
    await writeAll(conn, "x\n");
    assertEquals(await new LinePeer(conn).line(), "x");
  });
});

Deno.test("stack takes one FILE", async () => {
  for (const words of [["stack"], ["stack", "a", "b"]]) {
    const { code, stderr } = await runProgram("server", words);
    assertEquals(code, 2);
    assertMatch(stderr, /expected one FILE/);
  }
});

const PEERS = `
services:
  smtp: { service: mock, endpoint: ":PORT", file: FOLDER/smtp.yaml }
  slow: { service: relay, endpoint: ":0", target: "127.0.0.1:PORT", fault: "latency:50ms", seed: 1 }
`;

const SMTP = `
connections:
  - on-connect: { send: "220 hi\\r\\n" }
    steps:
      - expect: "EHLO me\\r\\n"
      - send: "250 ok\\r\\n"
expect: { connections: 1 }
`;

for (const [words, exitCode] of [["EHLO me", 0], ["EHLO you", 1]] as const) {
  Deno.test(`stack with a mock behind a relay exits ${exitCode} after a client says ${words}`, async () => {
    await withFile("", async (path, folder) => {
      await Deno.writeTextFile(`${folder}/smtp.yaml`, SMTP);
      await Deno.writeTextFile(path, PEERS.replaceAll("PORT", String(closedPort())).replaceAll("FOLDER", folder));
      await using server = startProgram("server", ["stack", path, "--print-endpoint"]);
      const at = await readyLines(server, "PARLEY_SLOW_PORT");
      {
        using conn = await dial(at["PARLEY_SLOW"] ?? "");
        const peer = new LinePeer(conn);
        assertEquals(await peer.line(), "220 hi\r");
        await peer.send(`${words}\r`);
        if (exitCode === 0) assertEquals(await peer.line(), "250 ok\r");
        await conn.closeWrite();
        await readTextToEnd(conn).catch(() => "");
      }
      server.kill("SIGTERM");
      const { code, stderr } = await server.outcome();
      assertEquals(code, exitCode, stderr);
      if (exitCode === 1) assertMatch(stderr, /parley-server: smtp: connection 1: .*EHLO/);
    });
  });
}

Deno.test("stack reports every mock that failed", async () => {
  await withFile("", async (path, folder) => {
    await Deno.writeTextFile(`${folder}/smtp.yaml`, SMTP);
    const mock = `{ service: mock, file: ${folder}/smtp.yaml }`;
    await Deno.writeTextFile(path, `services: { a: ${mock}, b: { service: echo }, c: ${mock} }`);
    await using server = startProgram("server", ["stack", path, "--print-endpoint"]);
    await readyLines(server, "PARLEY_C_PORT");
    server.kill("SIGTERM");
    const { code, stderr } = await server.outcome();
    assertEquals(code, 1, stderr);
    for (const name of ["a", "c"]) {
      assertStringIncludes(stderr, `${name}: expect connections: expected 1 connections, not 0`);
    }
  });
});

Deno.test("stack reports that an address is in use, not that its mock had no client", async () => {
  using taken = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = taken.addr as Deno.NetAddr;
  await withFile("", async (path, folder) => {
    await Deno.writeTextFile(`${folder}/smtp.yaml`, SMTP);
    const file =
      `services: { a: { service: mock, file: ${folder}/smtp.yaml }, b: { service: echo, endpoint: ":${port}" } }`;
    await Deno.writeTextFile(path, file);
    assertEquals((await runProgram("server", ["stack", path])).code, 8);
  });
});
