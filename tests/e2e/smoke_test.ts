import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { junitFaults } from "../support/junit_schema.ts";
import { LinePeer } from "../support/peer.ts";
import { closedPort, portOf } from "../support/ports.ts";
import { type Outcome, OWN_PROCESS, runProgram, type StartOptions, startServer } from "../support/in_process.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";

/** Runs a smoke file that holds the text. */
async function smoke(
  text: string,
  args: readonly string[] = [],
  options?: StartOptions,
): Promise<Outcome & { read(name: string): Promise<string> } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/smoke.yaml`;
  await Deno.writeTextFile(file, text);
  const outcome = await runProgram(
    "client",
    ["smoke", file, ...args.map((arg) => arg.replace("DIR", folder))],
    options,
  );
  return {
    ...outcome,
    read: (name) => Deno.readTextFile(`${folder}/${name}`),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function twoTests(endpoint: string, expected: string): string {
  return `
tests:
  - name: it echoes
    endpoint: ${endpoint}
    framing: line
    tags: [fast]
    steps: [{ send: hello }, { expect: hello }, { end: true }, { expect-close: true }]
  - name: it says something else
    endpoint: ${endpoint}
    framing: line
    timeout: 500ms
    steps:
      - send: hello world
      - expect: ${expected}
`;
}

Deno.test("smoke exits 0 when every exchange and check is as expected", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "line"]);
  const text = `${twoTests(echo.endpoint, "hello world")}
  - name: it is up
    endpoint: ${echo.endpoint}
    check: { wait: 5s }
  - name: nobody else is
    endpoint: tcp://127.0.0.1:${closedPort()}
    check: { invert: true }
`;
  await using run = await smoke(text);
  assertEquals([run.code, run.stderr], [0, ""]);
  assertMatch(run.stdout, /4 passed, 0 failed in /);
});

Deno.test("smoke with one wrong step exits 1 and shows the difference, in every report", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "line"]);
  const text = twoTests(echo.endpoint, "hello there");
  await using human = await smoke(text, ["--junit", "DIR/report.xml"]);
  assertEquals(human.code, 1);
  assertMatch(human.stdout, /fail {2}it says something else/);
  assertMatch(human.stdout, /smoke\.yaml:14: expected "hello there"/);
  assertStringIncludes(human.stdout, "sent      hello world");
  assertStringIncludes(human.stdout, "expected  hello there");
  assertStringIncludes(human.stdout, "received  hello world");
  assertStringIncludes(human.stdout, "^ differs at byte 6");
  const xml = await human.read("report.xml");
  assertEquals([junitFaults("jenkins", xml), junitFaults("ant", xml)], [[], []]);
  assertStringIncludes(xml, 'tests="2" failures="1" errors="0"');
  assertStringIncludes(xml, '<failure type="ExpectationError"');
  assertStringIncludes(xml, "^ differs at byte 6");
  await using tap = await smoke(text, ["--tap"]);
  assertEquals(tap.code, 1);
  assertMatch(tap.stdout, /^TAP version 13\n1\.\.2\nok 1 - it echoes\nnot ok 2 - it says something else\n/);
  await using json = await smoke(text, ["--json"]);
  const objects = json.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals([json.code, objects.at(-1).ok, objects.at(-1).failed], [1, false, 1]);
});

Deno.test("smoke exits with the code that all failures share, and with 1 if they differ", async () => {
  await using silent = scriptedPeer(() => {});
  const test = (endpoint: string) =>
    `  - { name: "${endpoint}", endpoint: "${endpoint}", timeout: 300ms, steps: [{ expect: x }] }\n`;
  const closed = `tcp://127.0.0.1:${closedPort()}`;
  await using refused = await smoke(`tests:\n${test(closed)}${test(closed)}`);
  await using late = await smoke(`tests:\n${test(silent.endpoint)}`);
  await using mixed = await smoke(`tests:\n${test(closed)}${test(silent.endpoint)}`);
  assertEquals([refused.code, late.code, mixed.code], [4, 5, 1]);
});

Deno.test("smoke retries a test as often as it specifies", async () => {
  let visits = 0;
  await using third = scriptedPeer(async (conn) => {
    await conn.write(new TextEncoder().encode(++visits < 3 ? "no\n" : "yes\n"));
  });
  const text = (retries: number) =>
    `tests: [{ name: a, endpoint: "${third.endpoint}", timeout: 300ms, retries: ${retries}, retry-delay: 1ms, steps: [{ expect: yes }] }]`;
  await using tooFew = await smoke(text(1));
  assertEquals(tooFew.code, 1);
  visits = 0;
  await using enough = await smoke(text(2));
  assertEquals(enough.code, 0);
  assertStringIncludes(enough.stdout, "(3 tries)");
});

Deno.test("smoke fills in variables of the environment, by a named permission", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "line"]);
  const text = `tests:
  - name: a
    endpoint: \${env.SMOKE_TARGET}
    framing: line
    steps: [{ send: "\${env.SMOKE_WORD:-fallback}" }, { expect: fallback }]`;
  const env = { SMOKE_TARGET: echo.endpoint };
  await using allowed = await smoke(text, [], { env, permissions: ["-N", "-R", "-E=SMOKE_TARGET,SMOKE_WORD"] });
  assertEquals(allowed.code, 0);
  await using denied = await smoke(text, [], { env, permissions: ["-N", "-R"] });
  assertEquals(denied.code, 8);
  assertEquals(
    denied.stderr,
    "parley-client: Cannot read the variable SMOKE_TARGET: run again with --allow-env=SMOKE_TARGET\n",
  );
});

Deno.test("smoke --tag and --skip-tag select tests; selecting none is a failure", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "line"]);
  const text = twoTests(echo.endpoint, "hello there");
  await using fast = await smoke(text, ["--tag", "fast"]);
  assertEquals(fast.code, 0);
  assertMatch(fast.stdout, /1 passed, 0 failed, 1 skipped/);
  await using others = await smoke(text, ["--skip-tag", "fast"]);
  assertEquals(others.code, 1);
  await using none = await smoke(text, ["--tag", "unheard-of"]);
  assertEquals(none.code, 1);
});

Deno.test("smoke runs tests at the same time, and one after the other with --jobs 1", async () => {
  await using silent = scriptedPeer(() => {});
  const tests = Array.from(
    { length: 4 },
    (_, index) => `  - { name: t${index}, endpoint: "${silent.endpoint}", steps: [{ expect-silence: 300ms }] }\n`,
  ).join("");
  await using together = await smoke(`tests:\n${tests}`, ["--json"]);
  await using alone = await smoke(`tests:\n${tests}`, ["--json", "--jobs", "1"]);
  const ms = ({ stdout }: Outcome) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "").ms;
  assertEquals([together.code, alone.code], [0, 0]);
  assertGreater(ms(alone), 1_150);
  assertLess(ms(together), ms(alone));
});

Deno.test("smoke ends at its deadlines with code 5", async () => {
  await using silent = scriptedPeer(() => {});
  const text = (deadline: string) =>
    `tests: [{ name: a, endpoint: "${silent.endpoint}", timeout: 1m, deadline: ${deadline}, steps: [{ expect: x }] }]`;
  await using ofTest = await smoke(text("200ms"));
  assertEquals(ofTest.code, 5);
  assertStringIncludes(ofTest.stdout, "the test did not end within 200ms");
  await using ofAll = await smoke(text("1m"), ["--deadline", "200ms"]);
  assertEquals(ofAll.code, 5);
  assertStringIncludes(ofAll.stdout, "the tests did not end within 200ms");
});

Deno.test("smoke speaks WebSocket, and captures what later steps use", async () => {
  await using chat = await startServer(["echo", "ws://127.0.0.1:0"]);
  const text = `tests:
  - name: a
    endpoint: ${chat.endpoint}
    steps:
      - send: "user anna 42"
      - expect-regex: "user (?<who>\\\\w+) (\\\\d+)"
      - send: "bye {who} {2}"
      - expect: "bye anna 42"`;
  await using run = await smoke(text);
  assertEquals([run.code, run.stderr], [0, ""], run.stdout);
});

/** Echoes line by line; a line `bye` ends the connection. It counts the connections. */
function countingEcho(): { endpoint: string; count: number } & AsyncDisposable {
  const found = { endpoint: "", count: 0 };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      found.count++;
      serving.push(echoLines(conn));
    }
  })();
  return Object.assign(found, {
    endpoint: `tcp://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  });
}

async function echoLines(conn: Deno.Conn): Promise<void> {
  using open = conn;
  const peer = new LinePeer(open);
  for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
    await peer.send(line);
    if (line === "bye") return;
  }
}

function reusing(endpoint: string, steps: readonly string[], defaults = "reuse: true, framing: line"): string {
  const tests = steps.map((text, index) => `  - { name: t${index}, endpoint: "${endpoint}", steps: [${text}] }\n`);
  return `defaults: { ${defaults} }\ntests:\n${tests.join("")}`;
}

const ECHOED = "{ send: a }, { expect: a }";

Deno.test("smoke opens a connection for each test, and one for all tests with reuse", async () => {
  const counts: number[] = [];
  for (const defaults of ["framing: line", "framing: line, reuse: true"]) {
    await using echo = countingEcho();
    await using run = await smoke(reusing(echo.endpoint, [ECHOED, ECHOED, ECHOED], defaults), ["--jobs", "1"]);
    assertEquals(run.code, 0, run.stdout);
    counts.push(echo.count);
  }
  assertEquals(counts, [3, 1]);
});

Deno.test("smoke shares no connection that has more to say, is half closed, was ended, or failed a test", async () => {
  const spoilers: readonly (readonly [name: string, steps: string, framing?: string])[] = [
    ["unread", `{ send: "abc\\n" }, { expect: a }`, "raw"],
    ["without a word on what was sent last", "{ send: a }, { expect: a }, { send: b }"],
    ["half closed", "{ send: a }, { expect: a }, { end: true }"],
    ["ended", "{ send: bye }, { expect: bye }"],
    ["failed", "{ send: a }, { expect: nonsense }"],
  ];
  await Promise.all(spoilers.map(async ([name, steps, framing = "line"]) => {
    await using echo = countingEcho();
    const defaults = `reuse: true, framing: ${framing}, timeout: 500ms`;
    const sent = framing === "raw" ? `{ send: "a\\n" }, { expect: "a\\n" }` : ECHOED;
    await using run = await smoke(reusing(echo.endpoint, [steps, sent], defaults), ["--jobs", "1", "--json"]);
    const second = JSON.parse(run.stdout.split("\n")[1] ?? "");
    assertEquals([second.outcome, second.tries], ["passed", 1], `${name}: ${run.stdout}`);
    assertEquals(echo.count, 2, name);
  }));
});

Deno.test("smoke keeps connections apart that are not made in the same way", async () => {
  await using echo = countingEcho();
  const port = portOf(echo.endpoint);
  const text = `defaults: { reuse: true, framing: line }
tests:
  - { name: a, endpoint: "127.0.0.1:${port}", steps: [${ECHOED}] }
  - { name: b, endpoint: "localhost:${port}", steps: [${ECHOED}] }
  - { name: c, endpoint: "127.0.0.1:${port}", steps: [${ECHOED}] }
  - { name: d, endpoint: "127.0.0.1:${port}", check: {} }
  - { name: e, endpoint: "127.0.0.1:${port}", reuse: false, steps: [${ECHOED}] }`;
  await using run = await smoke(text, ["--jobs", "1"]);
  assertEquals(run.code, 0, run.stdout);
  assertEquals(echo.count, 4);
});

Deno.test("smoke with reuse reports the same failures for a closed port and a silent server", async () => {
  await using silent = scriptedPeer(() => {});
  const steps = ["{ send: a }, { expect: a }"];
  await using refused = await smoke(reusing(`tcp://127.0.0.1:${closedPort()}`, steps));
  assertEquals(refused.code, 4);
  assertStringIncludes(refused.stdout, "connection refused");
  await using late = await smoke(reusing(silent.endpoint, steps, "reuse: true, timeout: 300ms"));
  assertEquals(late.code, 5);
});

Deno.test("smoke exits 2 with file and line when the file is wrong, and 8 when it may not be read", async () => {
  await using wrong = await smoke("tests:\n  - name: a\n    endpont: tcp://127.0.0.1:1\n    check: {}\n");
  assertEquals(wrong.code, 2);
  assertMatch(wrong.stderr, /smoke\.yaml:3: tests\[0\]\.endpont: unknown key; did you mean endpoint\?/);
  assertEquals((await runProgram("client", ["smoke", "/nowhere.yaml"])).code, 2);
  const denied = await runProgram("client", ["smoke", "/nowhere.yaml"], OWN_PROCESS);
  assertEquals(denied.code, 8);
  assert(denied.stderr.endsWith("run again with --allow-read=/nowhere.yaml\n"));
});
