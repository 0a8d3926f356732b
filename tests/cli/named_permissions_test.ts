import { assertEquals } from "@std/assert";
import type { FlagTable } from "../../src/base/flag_spec.ts";
import { namesCommand, namesFiles } from "../../src/cli/run_program.ts";

const TABLE = {
  history: { type: "text", placeholder: "FILE", help: "" },
  metrics: { type: "text", placeholder: "ENDPOINT", help: "" },
  upper: { type: "boolean", help: "" },
} as const satisfies FlagTable;

const CASES = [
  {
    name: "no file",
    usage: "[ENDPOINT...]",
    flags: { upper: true, metrics: "tcp://:0" },
    args: [":0"],
    expected: false,
  },
  { name: "a flag's file", usage: "[ENDPOINT...]", flags: { history: "chat.db" }, args: [":0"], expected: true },
  { name: "a flag's Unix socket", usage: "", flags: { metrics: "unix:/run/m.sock" }, args: [], expected: true },
  { name: "a Unix socket", usage: "[ENDPOINT...]", flags: {}, args: [":0", "unix:/run/a.sock"], expected: true },
  { name: "a file to check", usage: "ENDPOINT...", flags: {}, args: ["file:/run/ready"], expected: true },
  { name: "a protocol's socket", usage: "", flags: {}, args: ["mysql://a?socket=/run/s"], expected: true },
  { name: "PostgreSQL's socket folder", usage: "", flags: {}, args: ["postgres://a/b?x=y&host=/run"], expected: true },
  { name: "a protocol's host", usage: "", flags: {}, args: ["postgres://a/b?host=db"], expected: false },
  { name: "a file as argument", usage: "FILE ENDPOINT", flags: {}, args: ["a.txt", ":0"], expected: true },
];

for (const { name, expected, ...call } of CASES) {
  Deno.test(`namesFiles() is ${expected} if the arguments name ${name}`, () => {
    assertEquals(namesFiles({ table: TABLE, ...call }), expected);
  });
}

for (
  const { name, args = [], given = [], child = [], expected } of [
    { name: "an endpoint", args: [":1", "http://exec:1"], expected: false },
    { name: "a command to check with", args: [":1", "exec:true"], expected: true },
    { name: "a command after the dashes", child: ["true"], expected: true },
    { name: "a server to start", given: [{ name: "start", value: "server" }], expected: true },
    { name: "a command in a flag", given: [{ name: "check", value: "EXEC:true" }], expected: true },
    { name: "a flag of another kind", given: [{ name: "wait", value: 1 }], expected: false },
  ]
) {
  Deno.test(`namesCommand() is ${expected} if the arguments name ${name}`, () => {
    assertEquals(namesCommand({ args, given }, child), expected);
  });
}
