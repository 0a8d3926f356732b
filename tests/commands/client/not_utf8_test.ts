/** Every file that a command reads as text is decoded strictly: nothing in it becomes U+FFFD without a word. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "../../../src/cli/run_program.ts";
import { clientProgram } from "../../../src/commands/client/program.ts";
import { serverProgram } from "../../../src/commands/server/program.ts";
import { udpProgram } from "../../../src/commands/udp/program.ts";
import { FakeIo } from "../../support/fake_io.ts";

const PROGRAMS = { client: clientProgram, server: serverProgram, udp: udpProgram } as const;

const CASES: readonly (readonly [keyof typeof PROGRAMS, ...string[]])[] = [
  ["client", "smoke", "FILE"],
  ["client", "replay", "FILE", "127.0.0.1:1"],
  ["client", "check", "tls://127.0.0.1:1", "--tls-ca", "FILE"],
  ["client", "send", "tls://127.0.0.1:1", "x", "--tls-cert", "FILE", "--tls-key", "FILE"],
  ["server", "echo", "127.0.0.1:0", "--auth", "FILE"],
  ["server", "echo", "127.0.0.1:0", "--access-file", "FILE"],
  ["server", "echo", "tls://127.0.0.1:0", "--tls-cert", "FILE", "--tls-key", "FILE"],
  ["server", "chat", "127.0.0.1:0", "--motd", "FILE"],
  ["udp", "replay", "FILE", "udp://127.0.0.1:1"],
];

for (const [program, ...words] of CASES) {
  Deno.test(`${program} ${words.join(" ")} exits 2 when FILE is not UTF-8 (fault 50)`, async () => {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeFile(file, Uint8Array.of(0x61, 0x0a, 0x62, 0xe9, 0x0a));
      const io = new FakeIo();
      const code = await runProgram(PROGRAMS[program], words.map((word) => word.replace("FILE", file)), io);
      assertEquals(code, 2, io.err);
      assertStringIncludes(io.err, `${file}: line 2 is not UTF-8\n`);
    } finally {
      await Deno.remove(file);
    }
  });
}

Deno.test("replay of a recording that nothing can be compared with exits 2 (fault 48)", async () => {
  const head = { recording: 1, at: "2026-11-29T00:00:00Z", endpoint: "tcp://127.0.0.1:1", framing: "raw" };
  const line = (from: string, what: object) => ({ at: head.at, from, ...what });
  const cases: [lines: object[], flags: string[], reason: string][] = [
    [[], [], "contains no reply"],
    [[line("client", { text: "x" })], [], "contains no reply"],
    [[], ["--ignore-replies"], "sends nothing"],
    [[line("server", { text: "x" }), line("server", { end: true })], ["--ignore-replies"], "sends nothing"],
    [[line("client", { end: true })], ["--ignore-replies"], "sends nothing"],
  ];
  for (const [lines, flags, reason] of cases) {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""));
      const io = new FakeIo();
      const code = await runProgram(clientProgram, ["replay", file, "127.0.0.1:1", ...flags], io);
      assertEquals(code, 2, JSON.stringify(lines));
      assertStringIncludes(io.err, reason);
      assertStringIncludes(io.err, "a replay proves nothing");
    } finally {
      await Deno.remove(file);
    }
  }
});
