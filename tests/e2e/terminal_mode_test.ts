/** The terminal is given back as it was, however a program on it ends. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startServer } from "../support/program.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { Terminal } from "../support/terminal.ts";
import { toolTest } from "../support/tools.ts";

const CODES = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;
const SIGNALS = Object.keys(CODES) as (keyof typeof CODES)[];

for (const [kind, failure] of [["error", "throw"], ["rejection", "Promise.reject"]] as const) {
  toolTest("python3", `an uncaught ${kind} gives the terminal back, and marks pastes no more`, async () => {
    await using shell = new Terminal("bash", ["--norc", "--noprofile"]);
    const script = [
      `import { systemIo } from "$SRC/cli/io.ts"`,
      `import { LineEditor } from "$SRC/cli/line_editor.ts"`,
      `import { Prompt } from "$SRC/cli/prompt.ts"`,
      `new Prompt(systemIo(Deno.exit), new LineEditor({ prompt: "the prompt" }), { takesPastes: true })`,
      `setTimeout(() => { ${failure}(new Error("a fault")) }, 100)`,
    ].join("; ");
    await shell.type(`"$DENO" eval --ext ts "${script.replaceAll('"', '\\"')}"; stty -a\r`);
    await shell.until("the prompt\r");
    await shell.until("\x1b[J\x1b[?2004l");
    await shell.until("a fault");
    // What `stty` reports: at its own prompt the shell changes the terminal again.
    await shell.until(" icanon ");
    await shell.until(" echo ");
    await shell.type("exit\r");
    assertEquals(await shell.exitCode(), 0);
  });
}

for (const signal of SIGNALS) {
  toolTest("python3", `${signal} ends connect on a terminal, and gives it back`, async () => {
    await using silent = scriptedPeer(() => {});
    await using terminal = new Terminal("client", ["connect", silent.endpoint]);
    await terminal.until("> ");
    terminal.kill(signal);
    assertEquals([await terminal.exitCode(), terminal.isRestored], [CODES[signal], true], terminal.text);
  });

  toolTest("python3", `${signal} ends chat on a terminal, which then marks pastes no more`, async () => {
    await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
    await using terminal = new Terminal("client", ["chat", started.endpoint]);
    await terminal.until("#lobby> ");
    terminal.kill(signal);
    assertEquals([await terminal.exitCode(), terminal.isRestored], [CODES[signal], true], terminal.text);
    assertStringIncludes(terminal.text, "\x1b[?2004l");
  });

  toolTest("python3", `${signal} at the prompt for a password gives the terminal back`, async () => {
    await using terminal = new Terminal("server", ["hash-password", "ann"]);
    await terminal.until("Password: ");
    terminal.kill(signal);
    assertEquals([await terminal.exitCode(), terminal.isRestored], [CODES[signal], true], terminal.text);
    assert(terminal.text.endsWith("Password: \n"), terminal.text);
  });
}
