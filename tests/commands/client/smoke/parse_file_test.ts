import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { unescape } from "../../../../src/base/bytes.ts";
import { UsageError } from "../../../../src/base/errors.ts";
import { textPayload } from "../../../../src/script/payload.ts";
import { parseSmokeFile } from "../../../../src/commands/client/smoke/parse_file.ts";

const GOOD = `
name: shop
variables:
  host: "\${env.HOST:-127.0.0.1}"
tests:
  - name: it greets
    endpoint: tcp://\${host}:2525
    steps:
      - expect-regex: "^220"
      - send: "\${env.WORD}\\\\r\\\\n costs $$5"
  - name: it is up
    endpoint: "unix:/run/app.sock"
    check: { wait: 30s }
`;

const env = (name: string) => ({ WORD: "a\\nb", EMPTY: "" })[name];

function parse(text: string) {
  return parseSmokeFile(text, "smoke.yaml", env);
}

/** The message of the mistake in a test that has `lines` beside its name and endpoint. */
function mistakeIn(...lines: string[]): string {
  const text = ["tests:", "  - name: a", "    endpoint: tcp://127.0.0.1:1", ...lines.map((line) => `    ${line}`)];
  return assertThrows(() => parse(text.join("\n")), UsageError).message;
}

Deno.test("parseSmokeFile() fills variables in, and never reads an escape in their values", () => {
  const { value: file } = parse(GOOD);
  assertEquals(file.tests[0]?.endpoint, "tcp://127.0.0.1:2525");
  assertEquals(file.tests[0]?.steps?.[1]?.send, "a\\\\nb\\r\\n costs $5");
});

Deno.test("parseSmokeFile() takes JSON", () => {
  const { value: file } = parse('{"tests":[{"name":"x","endpoint":"tcp://127.0.0.1:1","check":{}}]}');
  assertEquals(file.tests.map(({ name }) => name), ["x"]);
});

Deno.test("parseSmokeFile() locates tests and steps by line", () => {
  const { locate } = parse(GOOD);
  assertEquals(locate(["tests", 0]), "smoke.yaml:6");
  assertEquals(locate(["tests", 0, "steps", 1]), "smoke.yaml:10");
  assertEquals(locate(["tests", 1, "check", "stable-for"]), "smoke.yaml:13");
});

Deno.test("parseSmokeFile() names file, line and path of a mistake", () => {
  const cells: [string[], string][] = [
    [["steps:", "  - sned: x"], "smoke.yaml:5: tests[0].steps[0].sned: unknown key; did you mean send?"],
    [["steps:", "  - expect: x", "    send: y"], "smoke.yaml:5: tests[0].steps[0]: a step has exactly one action"],
    [["steps:", "  - send: x"], "smoke.yaml:2: tests[0]: a test without an expectation proves nothing"],
    [["steps: [{ expect: x }]", "check: {}"], "smoke.yaml:2: tests[0]: a test has either steps or check"],
    [["retries: many", "check: {}"], "smoke.yaml:4: tests[0].retries: expected number, received string"],
    [["check: { wait: soon }"], 'smoke.yaml:4: tests[0].check.wait: Cannot parse duration "soon"'],
    [["steps:", '  - expect-regex: "("'], "smoke.yaml:5: tests[0].steps[0].expect-regex: Invalid regular expression"],
    [["steps:", "  - expect-bytes: 0g"], "smoke.yaml:5: tests[0].steps[0].expect-bytes: Cannot parse hex"],
    [["check: { wait: 30d }"], 'smoke.yaml:4: tests[0].check.wait: Cannot use "30d" as a duration: the maximum is 24d'],
    [["steps:", '  - expect: ""'], "smoke.yaml:5: tests[0].steps[0].expect: must not be empty"],
    [["check: { banner: '' }"], "smoke.yaml:4: tests[0].check.banner: must not be empty"],
    [["framing: words", "check: {}"], "smoke.yaml:4: tests[0].framing: Cannot parse framing"],
    [["check: {", "name: b"], "smoke.yaml:"],
    [["check: { min-days: 5 }"], "smoke.yaml:4: tests[0].check.min-days: it needs an endpoint with TLS"],
    [["tls: { ca: x }", "check: {}"], "smoke.yaml:4: tests[0].tls: it needs an endpoint with TLS"],
    [["check: { status: 200 }"], "smoke.yaml:4: tests[0].check.status: it needs an endpoint with http:// or ws://"],
    [["tags: ${nobody}"], 'smoke.yaml:4: tests[0].tags: the file has no variable "nobody"'],
    [["tags: ${env.NOT}"], "smoke.yaml:4: tests[0].tags: the environment variable NOT is not set"],
    [["tags: ${a b}"], 'smoke.yaml:4: tests[0].tags: Cannot read "${a b}"'],
  ];
  for (const [lines, expected] of cells) assertEquals(mistakeIn(...lines).slice(0, expected.length), expected);
});

Deno.test("parseSmokeFile() accepts TLS settings for STARTTLS", () => {
  const test = 'tests: [{ name: a, endpoint: ":25", check: { min-days: 5 } }]';
  assertThrows(() => parse(test), UsageError, "it needs an endpoint with TLS");
  parse(`defaults: { tls: { starttls: smtp } }\n${test}`);
});

Deno.test("parseSmokeFile() throws a UsageError when the text is not a smoke file", () => {
  for (const text of ["", "hello", "- a\n", "tests: []", "tests: 5", "name: x", "a: [1\nb", "tests: &a [*a]"]) {
    assertThrows(() => parse(text), UsageError, "smoke.yaml:", text);
  }
});

Deno.test("parseSmokeFile() rejects what is empty or zero and would weaken a check (fault 16)", () => {
  const cells: [lines: string, path: string, reason: string][] = [
    ["steps: [{ expect: '${env.EMPTY}' }]", "steps[0].expect", "empty"],
    ["steps: [{ expect-regex: '${env.EMPTY}' }]", "steps[0].expect-regex", "empty"],
    ["steps: [{ expect-bytes: '' }]", "steps[0].expect-bytes", "empty"],
    ["steps: [{ expect-bytes: ' : ' }]", "steps[0].expect-bytes", "empty"],
    ["steps: [{ expect-silence: 0s }]", "steps[0].expect-silence", "zero"],
    ["check: { banner: '${env.EMPTY}' }", "check.banner", "empty"],
    ["tls: { name: '${env.EMPTY}' }", "tls.name", "empty"],
    ["tls: { ca: '' }", "tls.ca", "empty"],
    ["tls: { cert: '' }", "tls.cert", "empty"],
    ["tls: { key: '' }", "tls.key", "empty"],
    ["tls: { alpn: [h2, ''] }", "tls.alpn[1]", "empty"],
    ["subprotocols: ['']", "subprotocols[0]", "empty"],
    ["tags: ['${env.EMPTY}']", "tags[0]", "empty"],
  ];
  for (const [line, path, reason] of cells) {
    const lines = /^(?:steps|check)/.test(line) ? [line] : [line, "check: {}"];
    const message = mistakeIn(...lines);
    assertEquals(message, `smoke.yaml:4: tests[0].${path}: must not be ${reason}`, line);
  }
});

Deno.test("parseSmokeFile() uses a variable's value literally, in a template and in a pattern (fault 51)", () => {
  const { value: file } = parse(`
variables: { braces: "a{1}b", pattern: "a.b|c" }
tests:
  - name: a
    endpoint: ":1"
    steps:
      - expect-regex: "(\\\\d)\${pattern}"
      - send: "\${braces}{1}"
      - expect: "\${braces}{1}"
  - { name: b, endpoint: ":1", check: { send: "\${braces}", banner: "^\${pattern}$$" } }
  - { name: c, endpoint: "http://a/", check: { body-regex: "\${pattern}" } }
`);
  assertEquals(file.tests[2]?.check?.["body-regex"], "a\\.b\\|c");
  const [regex, send, expected] = file.tests[0]?.steps ?? [];
  const captures = new Map([["1", "7"]]);
  const decode = (text = "") => new TextDecoder().decode(textPayload(text).bytes(captures));
  assertEquals([decode(send?.send), decode(expected?.expect)], ["a{1}b7", "a{1}b7"]);
  const matched = new RegExp(regex?.["expect-regex"] ?? "", "u");
  assertEquals([matched.test("1a.b|c"), matched.test("1axb"), matched.test("c")], [true, false, false]);
  const { check } = file.tests[1] ?? {};
  assertEquals(new TextDecoder().decode(unescape(check?.send ?? "")), "a{1}b");
  assertEquals(check?.banner, "^a\\.b\\|c$");
});

Deno.test("parseSmokeFile() takes variables of any name (fault 51)", () => {
  const { value: file } = parse(`
variables: { toString: "\${env.WORD:-x}", constructor: "\${env.HOST:-127.0.0.1}" }
tests: [{ name: "\${toString}", endpoint: "\${constructor}:1", check: {} }]
`);
  assertEquals([file.tests[0]?.name, file.tests[0]?.endpoint], ["a\\nb", "127.0.0.1:1"]);
});

Deno.test("parseSmokeFile() limits the expansion of nested aliases (fault 52)", () => {
  const levels = "bcdefgh".split("").map((name, index) => {
    const below = "abcdefg"[index];
    return `${name}: &${name} [${Array(9).fill(`*${below}`).join(",")}]`;
  });
  const laughs = `a: &a [x,x,x,x,x,x,x,x,x]\n${levels.join("\n")}\n`;
  const started = performance.now();
  assertThrows(() => parse(`${laughs}tests: []`), UsageError, "smoke.yaml:1: a: unknown key");
  const inside = laughs.replaceAll(/^/gm, "  ");
  assertThrows(() => parse(`variables:\n${inside}\ntests: []`), UsageError, "more than 100000 values");
  const step = "{ expect: x }";
  const wide = `tests:\n- &t { name: a, endpoint: ':1', steps: [&s ${step}${", *s".repeat(999)}] }\n${
    "- *t\n".repeat(999)
  }`;
  assertThrows(() => parse(wide), UsageError, "more than 100000 values");
  assertLess(performance.now() - started, 2_000);
});

Deno.test("parseSmokeFile() takes a file of a thousand tests (fault 52)", () => {
  const test = (index: number) => `- { name: t${index}, endpoint: ':1', steps: [{ send: x }, { expect: x }] }\n`;
  const { value: file } = parse(`tests:\n${Array.from({ length: 1_000 }, (_, index) => test(index)).join("")}`);
  assertEquals(file.tests.length, 1_000);
});

Deno.test("parseSmokeFile() merges keys by <<, and those of the test itself take precedence (fault 52)", () => {
  const { value: file } = parse(`
tests:
  - &base { name: a, endpoint: ":1", timeout: 1s, check: {} }
  - { <<: *base, name: b }
`);
  const [, merged] = file.tests;
  assertEquals([merged?.name, merged?.timeout, merged?.endpoint], ["b", "1s", ":1"]);
});

Deno.test("parseSmokeFile() reports three mistakes and counts the others", () => {
  const message = mistakeIn("a: 1", "b: 1", "check: { stable-for: x, wait: y, send: '\\q', banner: '(', status: 1 }");
  assertEquals(message.split("; ").at(-1), "and 3 more");
});
