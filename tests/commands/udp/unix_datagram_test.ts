import { assertEquals, assertStringIncludes } from "@std/assert";
import { OWN_PROCESS, runProgram, startUdpServer } from "../../support/in_process.ts";
import { withFolder } from "../../support/temporary.ts";

const ON_UNIX = { ignore: Deno.build.os === "windows" };

Deno.test("send and serve communicate over a Unix datagram socket, and leave no file", ON_UNIX, async () => {
  await withFolder(async (folder) => {
    const endpoint = `unixgram:${folder}/s`;
    await using started = await startUdpServer(["upper", endpoint]);
    assertEquals((await Deno.stat(`${folder}/s`)).mode ?? 0, 0o140600);
    const { code, stdout } = await runProgram("udp", ["send", endpoint, "hi {seq}", "-c", "3"]);
    assertEquals({ code, stdout }, { code: 0, stdout: "HI 1\nHI 2\nHI 3\n" });
    started.server.kill("SIGTERM");
    await started.server.outcome();
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("send exits 4 when no receiver is bound to the Unix socket", ON_UNIX, async () => {
  await withFolder(async (folder) => {
    const { code } = await runProgram("udp", ["send", `unixgram:${folder}/nobody`, "hi"]);
    assertEquals(code, 4);
  });
});

Deno.test("send names the missing permission for a Unix socket, with exit code 8", ON_UNIX, async () => {
  const { code, stderr } = await runProgram("udp", ["send", "unixgram:/tmp/nobody.sock", "hi"], OWN_PROCESS);
  assertEquals(code, 8);
  assertStringIncludes(stderr, "run again with --allow-read");
});

Deno.test("serve replaces a stale Unix socket and rejects a live one", ON_UNIX, async () => {
  await withFolder(async (folder) => {
    const endpoint = `unixgram:${folder}/s`;
    {
      await using killed = await startUdpServer(["echo", endpoint], { permissions: ["-A"] });
      killed.server.kill("SIGKILL");
      await killed.server.outcome();
    }
    await using _ = await startUdpServer(["echo", endpoint]);
    const { code, stderr } = await runProgram("udp", ["serve", "echo", endpoint]);
    assertEquals(code, 8);
    assertStringIncludes(stderr, "address already in use by another process");
  });
});
