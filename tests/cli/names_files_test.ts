import { assertEquals } from "@std/assert";
import type { FlagTable } from "../../src/base/flag_spec.ts";
import { namesFiles } from "../../src/cli/names_files.ts";

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
  { name: "a file as argument", usage: "FILE ENDPOINT", flags: {}, args: ["a.txt", ":0"], expected: true },
];

for (const { name, expected, ...call } of CASES) {
  Deno.test(`namesFiles() is ${expected} where the words name ${name}`, () => {
    assertEquals(namesFiles({ table: TABLE, ...call }), expected);
  });
}
