/**
 * The cases of the Autobahn test suite, sections 1 to 7, 9, 10, 12 and 13, against
 * `parley-server echo ws://...`. The suite itself comes from PyPI; it is not
 * run where PyPI cannot be reached.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "../support/paths.ts";
import { startServer } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";

const SUITE = "autobahntestsuite==25.10.1";
/** Framing, pings, reserved bits, opcodes, fragments, UTF-8, closing, limits, automatic fragments, compression. */
const SECTIONS = ["1", "2", "3", "4", "5", "6", "7", "9", "10", "12", "13"];
/** Messages of each case of compression, in place of the suite's 1,000, which take too long. */
const MESSAGES = "20";
/** All of those sections in that version: fewer would mean that the suite was not read whole. */
const CASES = 517;

/** How one case ended, in Autobahn's words. */
interface CaseResult {
  case: string;
  behavior: string;
  close: string;
  about?: string;
  result?: string;
  resultClose?: string;
}

/** Not strict, or not specified by the RFC: neither is a failure, as in Autobahn's own reports. */
const ACCEPTED = ["OK", "NON-STRICT", "INFORMATIONAL"];

async function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The suite's archive, or `undefined` where PyPI cannot be reached. */
async function download(folder: string): Promise<string | undefined> {
  const wanted = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", folder, SUITE];
  const { code, stderr } = await run("python3", wanted);
  if (code === 0) return `${folder}/autobahntestsuite-25.10.1.tar.gz`;
  if (/No matching distribution|connection|Temporary failure|timed out|Network/i.test(stderr)) return undefined;
  throw new Error(`pip could not download ${SUITE}:\n${stderr}`);
}

toolTest("python3", "the Autobahn test suite passes in sections 1 to 7, 9, 10, 12 and 13", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const archive = await download(folder);
    if (archive === undefined) {
      console.warn(`not run: ${SUITE} cannot be had, for PyPI cannot be reached`);
      return;
    }
    // The largest messages of section 9 have 16 MiB.
    const flags = ["--max-message", "16MiB", "--compress", "--log-level", "off"];
    await using echo = await startServer(["echo", "ws://127.0.0.1:0", ...flags]);
    const { port } = new URL(echo.endpoint);
    const script = fromFileUrl("../autobahn/run_cases.py");
    const { code, stdout, stderr } = await run("python3", [
      "-W",
      "ignore",
      script,
      archive,
      port,
      MESSAGES,
      ...SECTIONS,
    ]);
    assertEquals(code, 0, stderr);
    const results = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as CaseResult);
    const failed = results.filter(({ behavior, close }) => !ACCEPTED.includes(behavior) || !ACCEPTED.includes(close));
    assertEquals(failed, []);
    assertEquals(results.length, CASES);
    assert(results.filter(({ behavior }) => behavior === "OK").length > 496);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
