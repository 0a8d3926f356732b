/** Files that hold the results of a run: `--junit`, `--html`, `--record`. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runProgram, startServer } from "../support/in_process.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { withFolder } from "../support/temporary.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };

async function smokeFile(folder: string, endpoint: string): Promise<string> {
  const path = `${folder}/smoke.yaml`;
  await Deno.writeTextFile(path, `tests: [{ name: a, endpoint: "${endpoint}", steps: [{ send: x }, { expect: x }] }]`);
  return path;
}

Deno.test("smoke and bench report a missing permission for the report before they connect", async () => {
  await withFolder(async (folder) => {
    let visits = 0;
    await using peer = scriptedPeer(() => void visits++);
    const smoke = await smokeFile(folder, peer.endpoint);
    for (
      const [words, code, reason] of [
        [["smoke", smoke, "--junit", `${folder}/r.xml`], 8, `--allow-write=${folder}/r.xml,${folder}/r.xml.draft`],
        [
          ["bench", peer.endpoint, "-n", "5", "--html", `${folder}/r.html`],
          8,
          `--allow-write=${folder}/r.html,${folder}/r.html.draft`,
        ],
      ] as const
    ) {
      const { stderr, stdout, ...ended } = await runProgram("client", words, { permissions: ["-N", "-R"] });
      assertEquals([ended.code, stdout], [code, ""], words[0]);
      assertStringIncludes(stderr, reason);
    }
    assertEquals(visits, 0);
  });
});

Deno.test("a full disk under a report or a recording is one line and exit code 8", LINUX, async () => {
  await withFolder(async (folder) => {
    await using echo = await startServer(["echo", ":0"]);
    const smoke = await smokeFile(folder, echo.endpoint);
    for (
      const words of [
        ["smoke", smoke, "--junit", "/dev/full"],
        ["bench", echo.endpoint, "-n", "5", "--html", "/dev/full"],
        ["connect", echo.endpoint, "--record", "/dev/full"],
      ]
    ) {
      const { code, stderr } = await runProgram("client", words, { input: "hello\n" });
      assertEquals(code, 8, `${words[0]}: ${stderr}`);
      assertMatch(stderr, /^parley-client: Cannot write the .* \/dev\/full: no space left on device\n$/);
    }
  });
});

Deno.test("bench prints its measurements even if the page cannot be written", LINUX, async () => {
  await using echo = await startServer(["echo", ":0"]);
  const words = ["bench", echo.endpoint, "-n", "5", "--html", "/dev/full"];
  assertMatch((await runProgram("client", words)).stdout, /answers {2}5 in /);
});

Deno.test(
  "a recording that reaches the maximum file size keeps whole lines, with exit code 8 (fault 21)",
  LINUX,
  async () => {
    await withFolder(async (folder) => {
      await using echo = await startServer(["echo", ":0"]);
      const recording = `${folder}/talk.jsonl`;
      // One block; the signal that would end the program is ignored, so that it gets the error.
      const wrapper = ["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$0" "$@"'];
      const { code, stderr } = await runProgram("client", ["connect", echo.endpoint, "--record", recording], {
        permissions: ["-A"],
        wrapper,
        input: `${"x".repeat(2_000)}\n`,
      });
      assertEquals(code, 8, stderr);
      assertStringIncludes(stderr, `Cannot write the recording ${recording}: file too large`);
      const lines = (await Deno.readTextFile(recording)).split("\n");
      assertEquals(lines.pop(), "");
      assertEquals(JSON.parse(lines[0] ?? "").recording, 1);
      for (const line of lines) JSON.parse(line);
    });
  },
);
