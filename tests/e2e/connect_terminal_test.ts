import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LinePeer, readToEnd, writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { startServer } from "../support/program.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { Terminal } from "../support/terminal.ts";
import { toolTest } from "../support/tools.ts";

toolTest("python3", "connect on a terminal sends each line and ends at quit", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "line", "--prefix", "you said "]);
  await using terminal = new Terminal("client", ["connect", echo.endpoint]);
  await terminal.until("quit or Ctrl-D ends");
  await terminal.type("hllo\x1b[D\x1b[D\x1b[De\r");
  await terminal.until("you said hello");
  await terminal.type("\x1b[A\r");
  await terminal.until("you said hello");
  await terminal.type("quit\r");
  assertEquals(await terminal.exitCode(), 0);
});

toolTest("python3", "connect on a terminal tells of a line that cannot be sent, and goes on", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "fixed:2"]);
  await using terminal = new Terminal("client", ["connect", "--framing", "fixed:2", echo.endpoint]);
  await terminal.until("> ");
  await terminal.type("abc\r");
  await terminal.until("! Cannot send 3 bytes: each message has 2");
  await terminal.type("quit\r");
  assertEquals(await terminal.exitCode(), 0);
});

toolTest("python3", "connect on a terminal ends our side at Ctrl-D and prints what still comes", async () => {
  await using peer = scriptedPeer(async (conn) => {
    await readToEnd(conn);
    await writeAll(conn, "last words\n");
    conn.close();
  });
  await using terminal = new Terminal("client", ["connect", peer.endpoint]);
  await terminal.until("> ");
  await terminal.type("\x04");
  await terminal.until("last words");
  assertEquals(await terminal.exitCode(), 0);
});

toolTest("python3", "connect on a terminal exits 5 after Ctrl-D when the server does not end", async () => {
  await using silent = scriptedPeer(() => {});
  await using terminal = new Terminal("client", ["connect", "--wait-reply", "200ms", silent.endpoint]);
  await terminal.until("> ");
  await terminal.type("\x04");
  await terminal.until("did not close the connection within 200ms");
  assertEquals(await terminal.exitCode(), 5);
});

toolTest("python3", "connect on a terminal leaves at Ctrl-C with 130, and gives the terminal back", async () => {
  await using silent = scriptedPeer(() => {});
  await using terminal = new Terminal("client", ["connect", silent.endpoint]);
  await terminal.until("> ");
  await terminal.type("half a li");
  await terminal.until("half a li");
  await terminal.type("\x03");
  assertEquals(await terminal.exitCode(), 130);
  assert(terminal.text.endsWith("\x1b[J"), JSON.stringify(terminal.text));
});

toolTest("python3", "connect on a terminal prints above the line being edited", async () => {
  const speak = Promise.withResolvers<void>();
  await using peer = scriptedPeer(async (conn) => {
    await speak.promise;
    await writeAll(conn, "news\nlogin: ");
    assertEquals(await new LinePeer(conn).line(), "half whole");
    conn.close();
  });
  await using terminal = new Terminal("client", ["connect", peer.endpoint]);
  await terminal.until("> ");
  await terminal.type("half ");
  await terminal.until("half ");
  speak.resolve();
  await terminal.until("\r\x1b[Jnews\nlogin: \n> half ");
  await terminal.type("whole\r");
  await terminal.until("closed the connection");
  assertEquals(await terminal.exitCode(), 0);
});

toolTest("python3", "connect on a terminal obeys none of the server's control characters", async () => {
  await using peer = scriptedPeer((conn) => writeAll(conn, "a\x1b[2Jb\x07\n"));
  await using terminal = new Terminal("client", ["connect", peer.endpoint]);
  await terminal.until("a\\x1b[2Jb\\x07");
  await terminal.type("quit\r");
  assertEquals(await terminal.exitCode(), 0);
});

toolTest("python3", "connect on a terminal says in one line that it was refused", async () => {
  await using terminal = new Terminal("client", ["connect", `:${closedPort()}`]);
  assertEquals(await terminal.exitCode(), 4);
  assertStringIncludes(terminal.text, "connection refused");
  assertEquals(terminal.text.trim().split("\n").length, 1);
});

toolTest("python3", "connect --hex on a terminal takes hexadecimal digits and dumps what comes", async () => {
  await using echo = await startServer(["echo", ":0"]);
  await using terminal = new Terminal("client", ["connect", "--hex", echo.endpoint]);
  await terminal.until("> ");
  await terminal.type("xyz\r");
  await terminal.until('! Cannot parse hex "xyz"');
  await terminal.type("00 41 ff\r");
  await terminal.until("00000000  00 41 ff");
  await terminal.until("|.A.|");
  await terminal.type("quit\r");
  assertEquals(await terminal.exitCode(), 0);
});
