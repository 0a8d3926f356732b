import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { configureProgramLogging } from "../../src/commands/program_logging.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { Logger, setLogTarget } from "../../src/log/logger.ts";
import { FakeIo } from "../support/fake_io.ts";

/** No command takes these: it fails after logging has been configured. */
const INVALID = ["no endpoint", "no endpoint", "no endpoint"];
const LOG = Logger.of("test");

for (const program of [clientProgram, serverProgram, udpProgram]) {
  Deno.test(`${program.name}: every command with --log-level and --log-format applies them`, async () => {
    for (const { name, load } of program.commands) {
      if (!Object.hasOwn((await load()).flags, "logLevel")) continue;
      setLogTarget({ isEnabled: () => false, write() {} });
      const io = new FakeIo();
      // `pipe` rejects a second argument itself, before it serves.
      const args = name === "pipe" ? INVALID.slice(0, 1) : INVALID;
      const words = [name, ...args, "--log-level", "debug", "--log-format", "json"];
      assertEquals([name, await runProgram(program, words, io)], [name, 2]);
      LOG.trace("not shown");
      LOG.debug("shown");
      const [last = ""] = io.err.trim().split("\n").slice(-1);
      assertStringIncludes(last, '"level":"debug","context":"test","text":"shown"}', name);
    }
  });
}

Deno.test("every command that opens streams takes --trace", async () => {
  for (const program of [clientProgram, serverProgram]) {
    for (const { name, load } of program.commands) {
      const { flags } = await load();
      assertEquals([name, Object.hasOwn(flags, "trace")], [name, Object.hasOwn(flags, "logLevel")]);
    }
  }
  const io = new FakeIo();
  assertEquals(await runProgram(clientProgram, ["connect", ...INVALID, "--trace"], io), 2);
  LOG.trace("shown");
  assertStringIncludes(io.err, "trace [test] shown");
});

Deno.test("configureProgramLogging() uses colours at a terminal only, unless NO_COLOR is set", () => {
  const line = (mayColor: boolean, isTerminal: boolean) => {
    const io = new FakeIo();
    const stderr = { ...io.stderr, isTerminal };
    configureProgramLogging({ logLevel: "info", logFormat: "text" }, { ...io, mayColor, stderr });
    LOG.error("failed");
    // deno-lint-ignore no-control-regex
    return /\x1b/.test(io.err);
  };
  assertEquals([line(true, true), line(true, false), line(false, true), line(false, false)], [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("configureProgramLogging() logs every level with --trace, and explains with --explain", () => {
  const written = (flags: { trace?: boolean; explain?: boolean }) => {
    const io = new FakeIo();
    configureProgramLogging({ logLevel: "error", logFormat: "text", ...flags }, io);
    LOG.trace("connecting", { step: "connect" });
    return io.err;
  };
  assertEquals(written({}), "");
  assertStringIncludes(written({ trace: true }), "trace [test] connecting");
  assertStringIncludes(written({ explain: true }), "SYN-ACK");
});
