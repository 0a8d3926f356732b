import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runProgram } from "../../../../src/cli/run_program.ts";
import { clientProgram } from "../../../../src/commands/client/program.ts";
import { FakeIo } from "../../../support/fake_io.ts";
import { junitFaults } from "../../../support/junit_schema.ts";

/** Runs smoke.yaml of a folder with these files. */
async function smoke(
  files: Readonly<Record<string, string>>,
  { flags = [], stopAt }: { flags?: readonly string[]; stopAt?: (folder: string, io: FakeIo) => Promise<void> } = {},
) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text.replaceAll("FOLDER", folder));
    }
    const io = new FakeIo();
    const words = flags.map((word) => word.replaceAll("FOLDER", folder));
    const running = runProgram(clientProgram, ["smoke", `${folder}/smoke.yaml`, ...words], io);
    await stopAt?.(folder, io);
    const code = await running;
    const report = await Deno.readTextFile(`${folder}/report.xml`).catch(() => "");
    return { code, out: io.out, err: io.err.replaceAll(folder, "FOLDER"), report };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ECHO = 'services: { line-echo: { service: echo, endpoint: "tcp://127.0.0.1:0", framing: line, upper: true } }\n';
const ASKS = `tests:
  - { name: asks, endpoint: "\${PARLEY_LINE_ECHO}", framing: line, steps: [{ send: hi }, { expect-exactly: HI }] }
  - name: asks by port
    endpoint: tcp://\${PARLEY_LINE_ECHO_HOST}:\${PARLEY_LINE_ECHO_PORT}
    framing: line
    steps: [{ send: ho }, { expect-exactly: HO }]
`;

Deno.test("smoke starts the stack of a file, found from the smoke file's folder", async () => {
  const { code, out, err } = await smoke({ "smoke.yaml": `stack: stack.yaml\n${ASKS}`, "stack.yaml": ECHO });
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^ok {4}stack /m);
  assertMatch(out, /^3 passed, 0 failed/m);
});

Deno.test("smoke starts an inline stack, with the variables of the smoke file", async () => {
  const stack = `variables: { framing: line, at: "\${PARLEY_LINE_ECHO}" }
stack:
  services:
    line-echo: { service: echo, endpoint: ":0", framing: "\${framing}", upper: true }
`;
  const { code, out, err } = await smoke({
    "smoke.yaml": stack + ASKS.replace('endpoint: "${PARLEY_LINE_ECHO}"', 'endpoint: "${at}"'),
  });
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^3 passed, 0 failed/m);
});

const MOCK = {
  "smoke.yaml": `stack: { services: { peer: { service: mock, endpoint: ":0", file: FOLDER/mock.yaml } } }
tests:
  - { name: asks, endpoint: "\${PARLEY_PEER}", steps: [{ send: PONG }, { expect-close: true }] }
`,
  "mock.yaml": "connections: [{ steps: [{ expect-exactly: PING }] }]\nexpect: { connections: 1 }\n",
};

Deno.test("smoke fails if a mock of the stack has failed, although every test has passed", async () => {
  const { code, out, report } = await smoke(MOCK, {
    flags: ["--junit", "FOLDER/report.xml", "--log-level", "off"],
  });
  assertEquals(code, 1);
  assertMatch(out, /^ok {4}asks /m);
  assertMatch(
    out,
    /^fail {2}stack .*\n.*smoke.yaml:1: peer: connection 1: expected "PING".*\n +expected +PING\n +received +PONG\n +\^ differs at byte 1/m,
  );
  assertMatch(out, /^1 passed, 1 failed/m);
  assertEquals(junitFaults("jenkins", report), []);
  assertStringIncludes(report, 'tests="2" failures="1"');
});

Deno.test("smoke drains the stack after a failure", async () => {
  const { code, out } = await smoke({
    "smoke.yaml": `stack: stack.yaml\n${ASKS.replace("expect-exactly: HI", "expect-exactly: NO")}`,
    "stack.yaml": ECHO,
  });
  assertEquals(code, 1);
  assertMatch(out, /^ok {4}stack /m);
  assertMatch(out, /^2 passed, 1 failed/m);
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`smoke drains the stack after ${signal}, and the report is whole`, async () => {
    const { code: given, report } = await smoke({
      "smoke.yaml": `stack: stack.yaml
tests:
  - { name: waits, endpoint: "\${PARLEY_LINE_ECHO}", framing: line, steps: [{ send: hi }, { expect: never }] }
  - { name: marks, endpoint: "\${PARLEY_MARK}", steps: [{ expect: "!" }] }
`,
      "stack.yaml": `${
        ECHO.replace(/ }\n$/, "")
      }, mark: { service: exec, endpoint: ":0", program: [sh, -c, "echo > FOLDER/mark"] } }\n`,
    }, {
      flags: ["--junit", "FOLDER/report.xml", "--json"],
      async stopAt(folder, io) {
        using watcher = Deno.watchFs(folder);
        for await (const { paths } of watcher) {
          if (paths.some((path) => path.endsWith("mark"))) break;
        }
        io.stop.send(signal);
      },
    });
    assertEquals(given, code);
    assertEquals(junitFaults("jenkins", report), []);
    assertStringIncludes(report, 'tests="3"');
  });
}

for (
  const [what, files, message] of [
    ["a service that does not exist", {
      "smoke.yaml": `stack:\n  services:\n    a: { service: ecko }\n${ASKS}`,
    }, "FOLDER/smoke.yaml:3: stack.services.a.service: "],
    ["a flag that does not exist", {
      "smoke.yaml": `stack:\n  services:\n    a:\n      service: echo\n      framng: line\n${ASKS}`,
    }, "FOLDER/smoke.yaml:5: stack.services.a.framng: unknown key; did you mean framing?"],
    ["a key beside services", {
      "smoke.yaml": `stack:\n  servces: {}\n${ASKS}`,
    }, "FOLDER/smoke.yaml:2: stack.servces: unknown key; did you mean services?"],
    ["a mistake in the stack's own file", {
      "smoke.yaml": `stack: stack.yaml\n${ASKS}`,
      "stack.yaml": "services:\n  a: { service: ecko }\n",
    }, "FOLDER/stack.yaml:2: services.a.service: "],
    ["a file that is missing", {
      "smoke.yaml": `stack: none.yaml\n${ASKS}`,
    }, "Cannot read the stack file FOLDER/none.yaml: no such file"],
    ["a service that the stack does not have", {
      "smoke.yaml": `stack: stack.yaml\n${ASKS.replace("PARLEY_LINE_ECHO}", "PARLEY_OTHER}")}`,
      "stack.yaml": ECHO,
    }, 'FOLDER/smoke.yaml:3: tests[0].endpoint: the file has no variable "PARLEY_OTHER"'],
    ["a stack that is a list", {
      "smoke.yaml": `stack: [a]\n${ASKS}`,
    }, "FOLDER/smoke.yaml:1: stack: "],
  ] as const
) {
  Deno.test(`smoke reports ${what} by file, line and field before anything starts`, async () => {
    const { code, err } = await smoke(files);
    assertEquals(code, 2);
    assertStringIncludes(err, message);
  });
}
