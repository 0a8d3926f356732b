import { assertEquals } from "@std/assert";
import { StatusLine } from "../../src/cli/status_line.ts";
import { styleOf } from "../../src/cli/style.ts";
import { FakeIo } from "../support/fake_io.ts";

/** Standard streams on a terminal of 20 columns. */
function terminal(mayColor: boolean) {
  const io = new FakeIo();
  const onTerminal = { isTerminal: true, columns: 20 };
  return {
    io: { ...io, mayColor, stdout: { ...io.stdout, ...onTerminal }, stderr: { ...io.stderr, ...onTerminal } },
    written: () => io.err,
  };
}

Deno.test("StatusLine replaces its line, cut to the terminal width, and removes it once", () => {
  const { io, written } = terminal(false);
  const status = new StatusLine(io);
  status.clear();
  status.show("waiting for somebody to answer");
  status.show("done");
  status.clear();
  status.clear();
  assertEquals(written(), "\r\x1b[2Kwaiting for somebod\r\x1b[2Kdone\r\x1b[2K");
});

Deno.test("StatusLine writes nothing without a terminal", () => {
  const io = new FakeIo();
  using status = new StatusLine(io);
  status.show("waiting");
  assertEquals(io.err, "");
});

Deno.test("styleOf() colours only on a terminal that permits colours", () => {
  assertEquals(styleOf(terminal(true).io).bad("no"), "\x1b[31mno\x1b[0m");
  assertEquals(styleOf(terminal(false).io).bad("no"), "no");
  assertEquals(styleOf({ ...new FakeIo(), mayColor: true }).bad("no"), "no");
});
