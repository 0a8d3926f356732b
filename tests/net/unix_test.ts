import { assert, assertEquals, assertRejects } from "@std/assert";
import { bind, BindError, connect, listen } from "@parley/parley";
import { runTool, toolTest } from "../support/tools.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SKIP = { ignore: Deno.build.os === "windows" };

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.lstat(path)).mode ?? 0) & 0o777;
}

/** Leaves a socket's file behind, as a process does that dies. */
async function leaveStale(path: string, code: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--unstable-net", `${code}; Deno.kill(Deno.pid, "SIGKILL")`, path],
  }).output();
  assert(!success && await exists(path));
}

Deno.test("listen() on a Unix socket restricts the file to its owner, and removes it at the end", SKIP, async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/app.sock`;
  const listener = await listen(`unix:${path}`);
  assertEquals(await modeOf(path), 0o600);
  listener.close();
  listener.close();
  assertEquals(await exists(path), false);
});

for (
  const [what, open] of [
    ["listen()", (endpoint: string) => listen(endpoint)],
    ["bind()", (endpoint: string) => bind(endpoint)],
  ] as const
) {
  Deno.test(`${what} on a Unix socket: a server that ends leaves a newer one's file (chat L4)`, SKIP, async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/app.sock`;
    const endpoint = what === "bind()" ? `unixgram:${path}` : `unix:${path}`;
    const older = await open(endpoint);
    await Deno.remove(path);
    const newer = await open(endpoint);
    // As in a server, which always waits for the next client.
    const waiting = "accept" in older ? older.accept() : older.receive();
    older.close();
    await waiting;
    assertEquals(await exists(path), true, "the newer one's file is gone");
    assertEquals(Array.from(Deno.readDirSync(folder.path), ({ name }) => name), ["app.sock"]);
    if ("accept" in newer) {
      await using client = await connect(endpoint);
      await using served = await newer.accept();
      assertEquals(client.closeReason ?? served?.closeReason, undefined);
    }
    newer.close();
    assertEquals(await exists(path), false);
  });
}

Deno.test("listen() on a Unix socket sets the mode that is asked for", SKIP, async () => {
  await using folder = await temporaryFolder();
  using _ = await listen(`unix:${folder.path}/app.sock`, { mode: 0o660 });
  assertEquals(await modeOf(`${folder.path}/app.sock`), 0o660);
});

Deno.test("listen() replaces the file of a dead process", SKIP, async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/app.sock`;
  await leaveStale(path, 'Deno.listen({ transport: "unix", path: Deno.args[0] })');
  using listener = await listen(`unix:${path}`);
  await using client = await connect(`unix:${path}`);
  await using served = await listener.accept();
  await client.write(new TextEncoder().encode("hello"));
  assertEquals(new TextDecoder().decode(await served?.read() ?? undefined), "hello");
});

Deno.test("listen() rejects a path that is in use", SKIP, async () => {
  await using folder = await temporaryFolder();
  const endpoint = `unix:${folder.path}/app.sock`;
  using listener = await listen(endpoint);
  const error = await assertRejects(() => listen(endpoint), BindError, "address already in use by another process");
  assertEquals([error.reason, error.endpoint], ["in use", endpoint]);
  await using probe = await listener.accept();
  await using _client = await connect(endpoint);
  await using served = await listener.accept();
  assert(probe !== null && served !== null);
});

Deno.test("listen() rejects a file that is not a socket, and leaves it untouched", SKIP, async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/notes.txt`;
  await Deno.writeTextFile(path, "precious");
  await assertRejects(() => listen(`unix:${path}`), BindError, "the file exists and is not a socket");
  await assertRejects(() => bind(`unixgram:${path}`), BindError, "the file exists and is not a socket");
  assertEquals(await Deno.readTextFile(path), "precious");
});

toolTest("python3", "accept() goes on after clients whose own name is not UTF-8 (fault 81)", async () => {
  await using folder = await temporaryFolder();
  using listener = await listen(`unix:${folder.path}/app.sock`);
  const script = `
import socket, sys
for name in (b"\\0\\xff1", b"\\0\\xff2", b"\\0right"):
    s = socket.socket(socket.AF_UNIX)
    s.bind(name)
    s.connect(sys.argv[1])
s.sendall(b"hello")
`;
  const running = runTool("python3", ["-c", script, `${folder.path}/app.sock`]);
  await using connection = await listener.accept();
  assertEquals(new TextDecoder().decode(await connection?.read() ?? undefined), "hello");
  assertEquals((await running).code, 0);
});

Deno.test("bind() on a Unix datagram socket does the same for its file", SKIP, async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/x.sock`;
  await leaveStale(path, 'Deno.listenDatagram({ transport: "unixpacket", path: Deno.args[0] })');
  const socket = await bind(`unixgram:${path}`);
  assertEquals(await modeOf(path), 0o600);
  await assertRejects(() => bind(`unixgram:${path}`), BindError, "address already in use by another process");
  socket.close();
  assertEquals(await exists(path), false);
  assertEquals([...Deno.readDirSync(folder.path)], []);
});
