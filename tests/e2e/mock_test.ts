import { assert, assertEquals, assertGreaterOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import { junitFaults } from "../support/junit_schema.ts";
import { CertificateFiles } from "../support/certificate_files.ts";
import { runClient } from "../support/run_client.ts";
import { RunningMock } from "../support/running_mock.ts";

const SMTP = String.raw`
connections:
  - name: greeting
    on-connect: { send: "220 hi\r\n" }
    steps:
      - expect-regex: "^EHLO (\\S+)\r\n"
      - send: "250 {1}\r\n"
        slice: 3
      - reset: true
  - name: health
    when: { regex: "^GET /health" }
    reply: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
expect: { connections: 2, unmatched: 0 }
`;

const ONE_LINE = String.raw`
framing: line
timeout: 2s
connections:
  - steps:
      - expect-exactly: "status 200"
      - send: "ok"
`;

async function send(endpoint: string, ...args: string[]) {
  const outcome = await runClient(["send", "--timeout", "5s", endpoint, ...args]);
  assertEquals([outcome.code, outcome.stderr], [0, ""]);
  return outcome;
}

Deno.test("mock plays scripts in order and rules to any input (#20 point 1)", async () => {
  await using mock = await RunningMock.start(SMTP, ["--exit-after", "2"]);
  await send(mock.endpoint, "EHLO me\r\n", "--expect", "220 hi\r\n250 me\r\n", "--expect-reset");
  const reply = await send(mock.endpoint, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "--expect", "ok");
  assertStringIncludes(reply.stdout, "Content-Length: 2");
  const { code, out } = await mock.ended();
  assertEquals(code, 0);
  assertMatch(out, /^ok +connection 1: greeting +\S+\nok +connection 2 +\S+\n\n2 passed, 0 failed in /);
});

Deno.test("mock over tls, unix, ws and wss plays the same script (#20 point 1)", async () => {
  await using files = await CertificateFiles.create();
  const script = String.raw`
connections:
  - times: 4
    steps: [{ expect-regex: "^hello (\\w+)$" }, { send: "bye {1}" }, { expect-close: true }]
expect: { connections: 4 }`;
  const endpoints = ["tls://127.0.0.1:0", `unix:${files.path("mock.sock")}`, "ws://127.0.0.1:0/", "wss://127.0.0.1:0/"];
  await using mock = await RunningMock.start(script, [...endpoints, ...files.flags()]);
  assertEquals(mock.endpoints.length, 4);
  for (const endpoint of mock.endpoints) {
    const tls = /^(?:tls|wss)/.test(endpoint) ? ["--tls-ca", files.path("ca.pem")] : [];
    await send(endpoint, "hello ann", "--expect", "bye ann", ...tls);
  }
  const { code, out } = await mock.stop();
  assertEquals([code, /4 passed, 0 failed/.test(out)], [0, true]);
});

Deno.test("mock exits 1 with the difference when a client sends one wrong byte (#20 point 1)", async () => {
  await using mock = await RunningMock.start(ONE_LINE, ["--exit-after", "1"]);
  const client = await runClient(["send", "--framing", "line", mock.endpoint, "status 404"]);
  assertEquals(client.code, 5 + 2);
  const { code, out } = await mock.ended();
  assertEquals(code, 1);
  assertMatch(
    out,
    /^fail +connection 1 +\S+\n {6}\S+\.yaml:6: expected "status 200" from tcp:\S+, but "status 404" came\n/,
  );
  assertStringIncludes(out, "      expected  status 200\n      received  status 404\n");
  assertMatch(out, /\^ differs at byte 7\n\n0 passed, 1 failed/);
});

Deno.test("mock reports where in the stream a client differs (#20 point 1)", async () => {
  const script = String.raw`
connections:
  - steps: [{ expect: "first\n" }, { send: "go\n" }, { expect-exactly: "second\n" }]`;
  await using mock = await RunningMock.start(script, ["--exit-after", "1"]);
  await runClient(["send", mock.endpoint, "first\n", "--expect", "go\n", "--then", "secOnd\n"]);
  const { code, out } = await mock.ended();
  assertEquals(code, 1);
  assertStringIncludes(out, "^ differs at byte 3, byte 9 of the stream\n");
});

Deno.test("mock exits 1 when a client sends what no rule matches, and closes by default (#20 point 1)", async () => {
  const script = "framing: line\nconnections: [{ when: { text: PING }, reply: PONG }]";
  await using mock = await RunningMock.start(script, ["--exit-after", "1"]);
  const steps = ["PING", "--expect", "PONG", "--then", "PONG", "--expect-close"];
  await send(mock.endpoint, "--framing", "line", ...steps);
  const { code, out } = await mock.ended();
  assertEquals(code, 1);
  assertMatch(out, /nothing matches "PONG" from tcp:/);
  assertStringIncludes(out, "      expected  PING\n      received  PONG\n");
});

for (
  const [otherwise, steps] of [
    ["reset", ["--expect-reset"]],
    ["ignore", ["--expect-silence", "50ms", "--then", "PING", "--expect", "PONG"]],
    ["{ send: '-ERR' }", ["--expect", "-ERR", "--then", "PING", "--expect", "PONG"]],
    ["[{ send: bye }, { close: true }]", ["--expect", "bye", "--expect-close"]],
  ] as const
) {
  Deno.test(`mock applies otherwise: ${otherwise} (#20 point 1)`, async () => {
    const script = `framing: line
connections: [{ when: { text: PING }, reply: PONG }]
otherwise: ${otherwise}
expect: { unmatched: 1 }`;
    await using mock = await RunningMock.start(script, ["--exit-after", "1"]);
    await send(mock.endpoint, "--framing", "line", "WHAT", ...steps);
    assertEquals((await mock.ended()).code, 0);
  });
}

Deno.test("mock fails for more or fewer connections and inputs than expected (#20 point 1)", async () => {
  const script = (expect: string) =>
    `framing: line\nconnections: [{ when: { text: a }, reply: b }]\notherwise: ignore\nexpect: { ${expect} }`;
  for (
    const [expect, isMet] of [["connections: 1", true], ["connections: 2", false], ["unmatched: 1", false]] as const
  ) {
    await using mock = await RunningMock.start(script(expect), ["--exit-after", "1"]);
    await send(mock.endpoint, "--framing", "line", "a", "--expect", "b");
    const { code, out } = await mock.ended();
    assertEquals([expect, code], [expect, isMet ? 0 : 1]);
    if (!isMet) assertMatch(out, /\.yaml:4: expected \d (?:connections|unmatched), not \d\n/);
  }
});

Deno.test("mock keeps values of a connection and of all (#20 point 1)", async () => {
  const script = String.raw`
framing: line
connections:
  - { when: { regex: "^SET (\\w+)$" }, reply: "+OK", set-global: { stored: "{1}" } }
  - { when: { text: GET }, if: { stored: "" }, reply: "(none)" }
  - { when: { text: GET }, reply: "{stored}" }
  - { when: { regex: "^USER (\\w+)$" }, reply: "welcome", set: { user: "{1}" } }
  - { when: { text: WHOAMI }, if: { user: ann }, reply: "it is {user}" }
  - { when: { text: WHOAMI }, reply: "nobody" }`;
  await using mock = await RunningMock.start(script, ["--exit-after", "2"]);
  const line = (...steps: string[]) => send(mock.endpoint, "--framing", "line", ...steps);
  await line(
    "GET",
    "--expect",
    "(none)",
    "--then",
    "SET x1",
    "--expect",
    "+OK",
    "--then",
    "USER ann",
    "--expect",
    "welcome",
  );
  await line(
    "GET",
    "--expect",
    "x1",
    "--then",
    "WHOAMI",
    "--expect",
    "nobody",
    "--then",
    "USER ann",
    "--expect",
    "welcome",
    "--then",
    "WHOAMI",
    "--expect",
    "it is ann",
  );
  assertEquals((await mock.ended()).code, 0);
});

Deno.test("mock uses an entry as often as its times field (#20 point 1)", async () => {
  const script = `framing: line
connections:
  - { when: { text: a }, times: 2, reply: first }
  - { when: { text: a }, reply: later }`;
  await using mock = await RunningMock.start(script, ["--exit-after", "1"]);
  const again = (reply: string) => ["--then", "a", "--expect", reply];
  await send(
    mock.endpoint,
    "--framing",
    "line",
    "a",
    "--expect",
    "first",
    ...again("first"),
    ...again("later"),
    ...again("later"),
  );
  assertEquals((await mock.ended()).code, 0);
});

Deno.test("mock takes an input that no rule matches for the next script, which waits for its client", async () => {
  const script = `framing: line
connections:
  - { steps: [{ expect: hello }, { send: hi }] }
  - { when: { text: health }, reply: ok }`;
  await using mock = await RunningMock.start(script, ["--exit-after", "3"]);
  await send(mock.endpoint, "--framing", "line", "health", "--expect", "ok");
  await send(mock.endpoint, "--framing", "line", "hello", "--expect", "hi");
  await send(mock.endpoint, "--framing", "line", "hello", "--expect-close");
  const { code, out } = await mock.ended();
  assertEquals(code, 1);
  assertMatch(out, /2 passed, 1 failed/);
});

Deno.test("mock --strict fails for ignored messages, and for unused entries (#20 point 1)", async () => {
  const script =
    "framing: line\nconnections: [{ steps: [{ expect: b }, { send: ok }] }, { when: { text: c }, reply: d }]";
  for (const [flags, expected] of [[[], 0], [["--strict"], 1]] as const) {
    await using mock = await RunningMock.start(script, ["--exit-after", "1", ...flags]);
    await send(mock.endpoint, "--framing", "line", "a", "--no-reply", "--then", "b", "--expect", "ok");
    const { code, out } = await mock.ended();
    assertEquals(code, expected);
    if (code === 0) continue;
    assertMatch(out, /nothing matches "a" from tcp:\S+ before what was expected/);
    assertMatch(out, /connections\[1\]\s+\S+\n {6}\S+: it was never used \(--strict\)/);
  }
});

Deno.test("mock counts data after the end of a script, except white space (#20 point 1)", async () => {
  const script = "connections: [{ steps: [{ expect: QUIT }, { send: bye }], times: 2 }]";
  for (const [sent, expected] of [["QUIT\r\n", 0], ["QUIT now\r\n", 1]] as const) {
    await using mock = await RunningMock.start(script, ["--exit-after", "1"]);
    await send(mock.endpoint, sent, "--expect", "bye", "--expect-close");
    const { code, out } = await mock.ended();
    assertEquals(code, expected);
    if (code === 1) assertMatch(out, /nothing matches " now\\r\\n" from tcp:\S+ after the end of the script/);
  }
});

Deno.test("mock reports a script that SIGTERM interrupts, in a valid report (#20 point 1)", async () => {
  await using files = await CertificateFiles.create();
  const junit = files.path("report.xml");
  const script = "name: shop\nconnections: [{ steps: [{ send: hi }, { expect: hello }] }]";
  await using mock = await RunningMock.start(script, ["--junit", junit]);
  using client = await Deno.connect({ hostname: "127.0.0.1", port: mock.port });
  assertEquals(await client.read(new Uint8Array(8)), 2);
  const { code, out } = await mock.stop();
  assertEquals(code, 1);
  assertMatch(out, /fail +connection 1 +\S+\n {6}\S+\.yaml:2: stopped while waiting for "hello" from tcp:/);
  const xml = await Deno.readTextFile(junit);
  assertEquals([junitFaults("jenkins", xml), junitFaults("ant", xml)], [[], []]);
  assertMatch(xml, /package="parley-server" name="shop" .* tests="1" failures="1" errors="0"/);
});

Deno.test("mock that SIGTERM stops while a client of rules is idle has passed (#20 point 1)", async () => {
  await using mock = await RunningMock.start("connections: [{ when: { text: a }, reply: b }]");
  using client = await Deno.connect({ hostname: "127.0.0.1", port: mock.port });
  await client.write(new TextEncoder().encode("a"));
  assertEquals(await client.read(new Uint8Array(8)), 1);
  const startMs = performance.now();
  const { code } = await mock.stop();
  assertEquals(code, 0);
  assert(performance.now() - startMs < 5_000);
});

Deno.test("mock --json and --tap agree with the exit code (#20 point 1)", async () => {
  for (
    const [flag, ok, not] of [["--json", /"ok":true/, /"ok":false,"exitCode":1/], [
      "--tap",
      /^ok 1 .*\n1\.\.1\n$/m,
      /^not ok 1 /m,
    ]] as const
  ) {
    for (const [text, pattern, expected] of [["status 200", ok, 0], ["status 2x0", not, 1]] as const) {
      await using mock = await RunningMock.start(ONE_LINE, ["--exit-after", "1", flag]);
      await runClient(["send", "--framing", "line", mock.endpoint, text]);
      const { code, out } = await mock.ended();
      assertEquals(code, expected);
      assertMatch(out, pattern);
    }
  }
});

Deno.test("mock --journal records every connection, and mock plays the record again (#20 points 1 and 2)", async () => {
  await using files = await CertificateFiles.create();
  const journal = files.path("journal.jsonl");
  const talk = ["EHLO me\r\n", "--expect", "250 me\r\n"];
  const script = String.raw`
connections:
  - times: 2
    steps: [{ send: "220 hi\r\n" }, { expect-regex: "EHLO (\\S+)\r\n" }, { delay: 30ms }, { send: "250 {1}\r\n" }, { expect-close: true }]`;
  {
    await using mock = await RunningMock.start(script, ["--exit-after", "2", "--journal", journal]);
    await send(mock.endpoint, ...talk);
    await send(mock.endpoint, ...talk);
    assertEquals((await mock.ended()).code, 0);
  }
  const recording = await Deno.readTextFile(journal);
  assertMatch(recording, /^\{"recording":1,.*"framing":"raw"\}\n/);
  assertMatch(recording, /"from":"client","connection":2,"text":"EHLO me\\r\\n"/);
  for (
    const [flags, words, expected] of [
      [[], talk, 0],
      [["--timed"], talk, 0],
      [[], ["EHLO my\r\n", "--expect-close"], 1],
    ] as const
  ) {
    await using mock = await RunningMock.start(recording, ["--exit-after", "1", ...flags]);
    const startMs = performance.now();
    await send(mock.endpoint, ...words);
    if (flags.length > 0) assertGreaterOrEqual(performance.now() - startMs, 25);
    const { code, out } = await mock.ended();
    assertEquals(code, expected);
    if (expected === 1) assertMatch(out, /\^ differs at byte 6/);
  }
});

Deno.test("mock exits with the code of its command, or with 1 if it has failed itself (#20 point 1)", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "connections: [{ steps: [{ send: hi }] }]\nexpect: { connections: 0 }");
    const { runProgram } = await import("../support/in_process.ts");
    const run = (code: number) =>
      runProgram("server", ["mock", file, ":0", "--log-level", "off", "--", "sh", "-c", `exit ${code}`]);
    assertEquals([(await run(0)).code, (await run(3)).code], [0, 3]);
    await Deno.writeTextFile(file, "connections: [{ steps: [{ send: hi }] }]\nexpect: { connections: 1 }");
    assertEquals([(await run(0)).code, (await run(3)).code], [1, 3]);
  } finally {
    await Deno.remove(file);
  }
});
