import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram, startUdpServer } from "../../support/program.ts";

async function withFolder(run: (folder: string, permissions: string[]) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder, ["-N", `--allow-read=${folder}`, `--allow-write=${folder}`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ON_UNIX = { ignore: Deno.build.os === "windows" };

Deno.test("send and serve talk over a Unix datagram socket, and leave no file", ON_UNIX, async () => {
  await withFolder(async (folder, permissions) => {
    const endpoint = `unixgram:${folder}/s`;
    await using started = await startUdpServer(["upper", endpoint], { permissions });
    assertEquals((await Deno.stat(`${folder}/s`)).mode ?? 0, 0o140600);
    const { code, stdout } = await runProgram("udp", ["send", endpoint, "hi {seq}", "-c", "3"], { permissions });
    assertEquals({ code, stdout }, { code: 0, stdout: "HI 1\nHI 2\nHI 3\n" });
    started.server.kill("SIGTERM");
    await started.server.outcome();
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("send exits 4 when nobody is bound to the Unix socket", ON_UNIX, async () => {
  await withFolder(async (folder, permissions) => {
    const { code } = await runProgram("udp", ["send", `unixgram:${folder}/nobody`, "hi"], { permissions });
    assertEquals(code, 4);
  });
});

Deno.test("send names the missing permission for a Unix socket, with exit code 8", ON_UNIX, async () => {
  const { code, stderr } = await runProgram("udp", ["send", "unixgram:/tmp/nobody.sock", "hi"]);
  assertEquals(code, 8);
  assertStringIncludes(stderr, "run again with --allow-read");
});

Deno.test("serve replaces a stale Unix socket and refuses a live one", ON_UNIX, async () => {
  await withFolder(async (folder, permissions) => {
    const endpoint = `unixgram:${folder}/s`;
    {
      await using killed = await startUdpServer(["echo", endpoint], { permissions });
      killed.server.kill("SIGKILL");
      await killed.server.outcome();
    }
    await using _ = await startUdpServer(["echo", endpoint], { permissions });
    const { code, stderr } = await runProgram("udp", ["serve", "echo", endpoint], { permissions });
    assertEquals(code, 8);
    assertStringIncludes(stderr, "address already in use by another process");
  });
});
