import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../../../src/base/errors.ts";
import { parseStackFile, variableOf } from "../../../../src/commands/server/stack/stack_file.ts";

const NO_ENV = () => undefined;

Deno.test("parseStackFile() gives each service the same values as its flags on a command line", async () => {
  const [echo, answer] = await parseStackFile(
    `
variables: { host: 127.0.0.1 }
services:
  line-echo: { service: echo, endpoint: "tcp://\${host}:0", framing: line, upper: true, idle-timeout: 2s, rate: 5 }
  answer: { service: reply, endpoints: [":0", "ws://:0"], text: "\${env.TEXT:-ok}", allow: [10.0.0.0/8, 127.0.0.1] }
`,
    "stack.yaml",
    NO_ENV,
  );
  assertEquals([echo?.name, echo?.endpoints, echo?.service.name], ["line-echo", ["tcp://127.0.0.1:0"], "line-echo"]);
  const flags = echo?.flags;
  assertEquals([flags?.framing, flags?.["upper"], flags?.idleTimeout, flags?.rate], ["line", true, 2_000, 5]);
  assertEquals(flags?.drainTimeout, 10_000);
  assertEquals(answer?.endpoints, [":0", "ws://:0"]);
  assertEquals([answer?.flags["text"], answer?.flags.allow], ["ok", ["10.0.0.0/8", "127.0.0.1"]]);
});

Deno.test("parseStackFile() takes an exec's program as arguments, without a shell", async () => {
  const [one] = await parseStackFile("services: { a: { service: exec, program: [sh, -c, 'a b'] } }", "s.yaml", NO_ENV);
  assertEquals(one?.program, ["sh", "-c", "a b"]);
});

Deno.test("parseStackFile() takes former names of flags, and JSON", async () => {
  const text = JSON.stringify({ services: { a: { service: "echo", "exit-after": 2, upper: false } } });
  const [one] = await parseStackFile(text, "stack.json", NO_ENV);
  assertEquals([one?.flags.exitAfter, one?.flags["upper"]], [2, false]);
});

for (
  const [text, message] of [
    ["services: {a: {service: ecko}}", "s.yaml:1: services.a.service: "],
    [
      "services:\n  a:\n    service: echo\n    framng: line",
      "s.yaml:4: services.a.framng: unknown key; did you",
    ],
    [
      "services:\n  a:\n    service: echo\n    idle-timeout: 5 parsecs",
      "s.yaml:4: services.a.idle-timeout: Cannot parse",
    ],
    ["services: {a: {service: echo, endpoint: 'foo://x'}}", "s.yaml:1: services.a.endpoint: Cannot parse endpoint"],
    ["services: {a: {service: echo, endpoint: ':0', endpoints: [':1']}}", "either endpoint or endpoints"],
    ["services: {a: {service: exec}}", "s.yaml:1: services.a.program: is missing"],
    ["services: {a: {service: echo, program: [cat]}}", "s.yaml:1: services.a.program: unknown key"],
    ["services: {a: {service: echo, upper: 3}}", "s.yaml:1: services.a.upper: expected boolean"],
    ["services: {a: {service: reply, on: never}}", "s.yaml:1: services.a.on: "],
    ["services: {a: {service: echo, metrics: ':0'}}", "s.yaml:1: services.a.metrics: unknown key"],
    ["services: {}", "a stack must have at least one service"],
    ["servces: {}", "s.yaml:1: servces: unknown key; did you mean services?"],
    ["services: {a: {service: echo, prefix: '${nope}'}}", 'the file has no variable "nope"'],
    ["services: [", "s.yaml:1: "],
  ] as const
) {
  Deno.test(`parseStackFile() rejects ${JSON.stringify(text)}, and reports where`, async () => {
    await assertRejects(() => parseStackFile(text, "s.yaml", NO_ENV), UsageError, message);
  });
}

Deno.test("variableOf() makes any name of a service a variable", () => {
  assertEquals(["api", "line-echo", "webApi", "a_b"].map(variableOf), [
    "PARLEY_API",
    "PARLEY_LINE_ECHO",
    "PARLEY_WEB_API",
    "PARLEY_A_B",
  ]);
});
