import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../../src/base/errors.ts";
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

const env = (name: string) => ({ WORD: "a\\nb" })[name];

function parse(text: string) {
  return parseSmokeFile(text, "smoke.yaml", env);
}

/** The message of the mistake in a test that has `lines` beside its name and endpoint. */
function mistakeIn(...lines: string[]): string {
  const text = ["tests:", "  - name: a", "    endpoint: tcp://127.0.0.1:1", ...lines.map((line) => `    ${line}`)];
  return assertThrows(() => parse(text.join("\n")), UsageError).message;
}

Deno.test("parseSmokeFile() fills variables in, and never reads an escape in their values", () => {
  const { file } = parse(GOOD);
  assertEquals(file.tests[0]?.endpoint, "tcp://127.0.0.1:2525");
  assertEquals(file.tests[0]?.steps?.[1]?.send, "a\\\\nb\\r\\n costs $5");
});

Deno.test("parseSmokeFile() takes JSON", () => {
  const { file } = parse('{"tests":[{"name":"x","endpoint":"tcp://127.0.0.1:1","check":{}}]}');
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
    [["steps:", "  - sned: x"], "smoke.yaml:5: tests[0].steps[0].sned: there is no such key; did you mean send?"],
    [["steps:", "  - expect: x", "    send: y"], "smoke.yaml:5: tests[0].steps[0]: a step has exactly one key"],
    [["steps:", "  - send: x"], "smoke.yaml:2: tests[0]: a test without an expectation proves nothing"],
    [["steps: [{ expect: x }]", "check: {}"], "smoke.yaml:2: tests[0]: a test has either steps or check"],
    [["retries: many", "check: {}"], "smoke.yaml:4: tests[0].retries: expected number, received string"],
    [["check: { wait: soon }"], 'smoke.yaml:4: tests[0].check.wait: Cannot parse duration "soon"'],
    [["steps:", '  - expect-regex: "("'], "smoke.yaml:5: tests[0].steps[0].expect-regex: Invalid regular expression"],
    [["steps:", "  - expect-bytes: 0g"], "smoke.yaml:5: tests[0].steps[0].expect-bytes: Cannot parse hex"],
    [["check: { wait: 30d }"], 'smoke.yaml:4: tests[0].check.wait: Cannot use "30d" as a duration: the maximum is 24d'],
    [["steps:", '  - expect: ""'], "smoke.yaml:5: tests[0].steps[0].expect: nothing is given to be expected"],
    [["check: { banner: '' }"], "smoke.yaml:4: tests[0].check.banner: nothing is given to be expected"],
    [["framing: words", "check: {}"], "smoke.yaml:4: tests[0].framing: Cannot parse framing"],
    [["check: {", "name: b"], "smoke.yaml:"],
    [["check: { min-days: 5 }"], "smoke.yaml:4: tests[0].check.min-days: the endpoint has no TLS"],
    [["tls: { ca: x }", "check: {}"], "smoke.yaml:4: tests[0].tls: the endpoint has no TLS"],
    [["check: { status: 200 }"], "smoke.yaml:4: tests[0].check.status: the endpoint has no WebSocket"],
    [["tags: ${nobody}"], 'smoke.yaml:4: tests[0].tags: the file has no variable "nobody"'],
    [["tags: ${env.NOT}"], "smoke.yaml:4: tests[0].tags: the variable NOT of the environment is not set"],
    [["tags: ${a b}"], 'smoke.yaml:4: tests[0].tags: Cannot read "${a b}"'],
  ];
  for (const [lines, expected] of cells) assertEquals(mistakeIn(...lines).slice(0, expected.length), expected);
});

Deno.test("parseSmokeFile() takes what is said of TLS where it begins in the clear", () => {
  const test = 'tests: [{ name: a, endpoint: ":25", check: { min-days: 5 } }]';
  assertThrows(() => parse(test), UsageError, "the endpoint has no TLS");
  parse(`defaults: { tls: { starttls: smtp } }\n${test}`);
});

Deno.test("parseSmokeFile() throws a UsageError when the text is no smoke file", () => {
  for (const text of ["", "hello", "- a\n", "tests: []", "tests: 5", "name: x", "a: [1\nb", "tests: &a [*a]"]) {
    assertThrows(() => parse(text), UsageError, "smoke.yaml:", text);
  }
});

Deno.test("parseSmokeFile() tells three mistakes and counts the others", () => {
  const message = mistakeIn("a: 1", "b: 1", "check: { stable-for: x, wait: y, send: '\\q', banner: '(', status: 1 }");
  assertEquals(message.split("; ").at(-1), "and 3 more");
});
