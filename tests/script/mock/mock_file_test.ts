import { assertEquals, assertObjectMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/base/errors.ts";
import { mockJsonSchema, parseMockFile } from "../../../src/script/mock/mock_file.ts";

function parse(text: string, isTimed = false) {
  return parseMockFile(text, "mock.yaml", { env: () => undefined, isTimed });
}

function mistakeIn(text: string, isTimed = false): string {
  return assertThrows(() => parse(text, isTimed), UsageError).message;
}

Deno.test("mock.schema.json is what `deno task schema` writes", async () => {
  const file = new URL("../../../src/script/mock/mock.schema.json", import.meta.url);
  assertEquals(await Deno.readTextFile(file), mockJsonSchema());
});

Deno.test("parseMockFile() names file, line and path of a mistake (#20 point 1)", () => {
  const entries = (...lines: string[]) => `connections:\n${lines.map((line) => `  - ${line}\n`).join("")}`;
  for (
    const [text, expected] of [
      ["conections: []", "mock.yaml:1: conections: unknown key; did you mean connections?"],
      [
        entries("{ steps: [{ sned: a }] }"),
        "mock.yaml:2: connections[0].steps[0].sned: unknown key; did you mean send?",
      ],
      [entries("{ reply: a }", "{ name: b }"), "mock.yaml:3: connections[1]: it has either steps or reply"],
      [
        entries("{ when: { text: a, bytes: 0a }, reply: b }"),
        "connections[0].when: when has exactly one of text, regex, bytes",
      ],
      [entries("{ when: { regex: '(' }, reply: b }"), "connections[0].when.regex: "],
      [entries("{ when: { text: a }, on-connect: { send: b }, reply: c }"), "on-connect belongs to a script"],
      [entries("{ on-connect: { sned: b }, reply: c }"), "connections[0].on-connect.sned: unknown key"],
      [entries("{ on-connect: [{ sned: b }], reply: c }"), "connections[0].on-connect[0].sned: unknown key"],
      [
        entries("{ steps: [{ close: { coed: 1000 } }] }"),
        "connections[0].steps[0].close.coed: unknown key; did you mean code?",
      ],
      [entries("{ reply: a, times: 0 }"), "connections[0].times: "],
      [`${entries("{ reply: a }")}otherwise: hang`, "mock.yaml:3: otherwise: "],
      [
        `${entries("{ reply: a }")}expect: { conections: 1 }`,
        "expect.conections: unknown key; did you mean connections?",
      ],
      ["connections: []", "mock.yaml:1: connections: "],
      [
        `{"recording":1,"at":"2026-01-01T00:00:00Z","endpoint":"tcp://a:1","framing":"raw"}\n`,
        "Cannot play mock.yaml: it is empty",
      ],
    ] as const
  ) {
    assertStringIncludes(mistakeIn(text), expected);
  }
  assertStringIncludes(mistakeIn(entries("{ reply: a }"), true), "--timed needs a recording");
});

Deno.test("parseMockFile() uses a variable's value literally (#20 point 1)", () => {
  const text = 'variables: { word: "a.b\\\\n" }\nconnections: [{ when: { regex: "^${word}$" }, reply: "${word}" }]';
  const [entry] = parse(text).script.connections;
  assertObjectMatch({ ...entry }, { when: { kind: "regex", source: "^a\\.b\\\\n$" } });
  const [step] = typeof entry?.steps === "object" ? entry.steps : [];
  assertEquals(step?.kind === "send" && new TextDecoder().decode(step.data.bytes(new Map())), "a.b\\n");
});

Deno.test("every script of the manual's page is valid (#20 point 8)", async () => {
  const page = await Deno.readTextFile(new URL("../../../src/manual/mock.md", import.meta.url));
  const scripts = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, script = ""]) => script);
  for (const script of scripts) parse(script);
  assertEquals(scripts.length, 5);
});
