/** `parley-client chat` on a terminal of its own. */

import { assertEquals } from "@std/assert";
import { enterChat } from "../support/chat_peer.ts";
import { startServer } from "../support/program.ts";
import { Terminal } from "../support/terminal.ts";
import { toolTest } from "../support/tools.ts";

toolTest("python3", "chat on a terminal: typed, edited and pasted text is said, Ctrl-D leaves with 0", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  using bob = await enterChat(started.endpoint, "bob");
  await using terminal = new Terminal("client", ["chat", started.endpoint, "--nick", "ann"]);
  await terminal.until("#lobby> ");
  await terminal.type("bo\thellp\x7fo 日本\r");
  assertEquals(await bob.until(/^\[/), "[#lobby] ann: bob: hello 日本");
  await terminal.until(" ann: bob: hello 日本");
  await terminal.type("\x1b[200~if (x) {\r  y();\x1b[201~\r");
  assertEquals(await bob.until(/^\[/), "[#lobby] ann: if (x) {");
  assertEquals(await bob.line(), "[#lobby] ann:   y();");
  await terminal.type("\x04");
  assertEquals(await terminal.exitCode(), 0);
  assertEquals(await bob.until(/left/), "* ann left #lobby");
});

toolTest("python3", "chat on a terminal: Ctrl-C leaves with 130, also while the server is away", async () => {
  const started = await startServer(["chat", "tcp://127.0.0.1:0"]);
  await using terminal = new Terminal("client", ["chat", started.endpoint]);
  await terminal.until("#lobby> ");
  await started[Symbol.asyncDispose]();
  await terminal.until("#lobby (offline)> ");
  await terminal.type("too late\r\x03");
  await terminal.until("! 1 message was not sent");
  assertEquals(await terminal.exitCode(), 130);
});
