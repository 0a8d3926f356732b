import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { StoppedError } from "../../src/cli/exit_codes.ts";
import { readPassword } from "../../src/cli/read_password.ts";
import { FakeTerminal } from "../support/fake_terminal.ts";

const ENDS = {
  "the password": ["secret\r", undefined],
  "Ctrl-C": ["sec\x03", StoppedError],
  "an empty password": ["\r", UsageError],
} as const;

for (const [end, [keys, failure]] of Object.entries(ENDS)) {
  Deno.test(`readPassword() hides the input, and restores the terminal after ${end}`, async () => {
    const terminal = new FakeTerminal();
    const reading = readPassword(terminal, "Password: ");
    assertEquals(terminal.isRaw, true);
    for (const key of keys) terminal.type(key);
    if (failure === undefined) assertEquals(await reading, "secret");
    else assertStrictEquals((await assertRejects(() => reading, Error)).constructor, failure);
    assertEquals([terminal.isRaw, terminal.err], [false, "Password: \n"]);
  });
}

Deno.test("readPassword() accepts 1,024 bytes (MAX_BYTES), and not one more", async () => {
  for (const [length, isTaken] of [[1_024, true], [1_025, false]] as const) {
    const terminal = new FakeTerminal();
    const reading = readPassword(terminal, "");
    for (let count = 0; count < length; count++) terminal.type("x");
    terminal.type("\r");
    if (isTaken) assertEquals((await reading).length, length);
    else await assertRejects(() => reading, UsageError, "longer than 1024 bytes");
  }
});
