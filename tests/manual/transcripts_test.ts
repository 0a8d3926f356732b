/** Every session in the README and the manual is run as written. */

import { assert } from "@std/assert";
import { TOPICS } from "../../src/manual/topics.ts";
import { TestAuthority } from "../support/certificates.ts";
import { fromFileUrl } from "../support/paths.ts";
import { portOf } from "../support/ports.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { tlsPeer } from "../support/tls_peer.ts";
import { toolTest } from "../support/tools.ts";
import { filesOf, outputMatches, Stage, type Transcript, transcriptsOf } from "../support/transcript.ts";

/** Tools of others that sessions use. */
const TOOLS = ["nc", "curl"];

const pages = new Map([["README.md", await Deno.readTextFile(fromFileUrl("../../README.md"))]]);
for (const { name, load } of TOPICS) pages.set(`src/manual/${name}.md`, await load());

for (const [name, markdown] of pages) {
  for (const transcript of transcriptsOf(name, markdown)) {
    const commands = transcript.steps.map(({ command }) => command).join("\n");
    const tool = TOOLS.find((each) => new RegExp(`(?:^|[|;] )${each} `, "m").test(commands)) ?? "sh";
    toolTest(tool, `${transcript.at} shows what happens`, () => perform(transcript, filesOf(markdown)));
  }
}

/** Runs a session with the peers and files that pages assume, under the same ports and names everywhere. */
async function perform(transcript: Transcript, files: ReadonlyMap<string, string>): Promise<void> {
  const authority = await TestAuthority.create("Example CA");
  await using resetting = await resettingPeer();
  await using expired = tlsPeer(await authority.issue({ fromDays: -60, toDays: -30 }));
  await using stage = await Stage.create(
    new Map([["9100", `${portOf(resetting.endpoint)}`], ["8444", `${portOf(expired.endpoint)}`]]),
  );
  const { cert, key } = await authority.issue();
  const all = new Map([...files, ["ca.pem", authority.cert], ["cert.pem", cert], ["key.pem", key]]);
  for (const [file, text] of all) await Deno.writeTextFile(`${stage.folder}/${file}`, text);
  await stage.run(transcript);
}

Deno.test("outputMatches() lets numbers and gaps differ, and neither words nor exit codes", () => {
  const expected = ["ok    tcp://127.0.0.1:8888  65ms", "exit 4"];
  assert(outputMatches(expected, "ok  tcp://127.0.0.1:40213  1.2s\nexit 4\n"));
  assert(!outputMatches(expected, "ok  tcp://127.0.0.1:40213  65ms\nexit 5\n"));
  assert(!outputMatches(expected, "ok  udp://127.0.0.1:40213  65ms\nexit 4\n"));
  assert(!outputMatches(expected, "ok  tcp://127.0.0.1:40213  65ms\nand more\nexit 4\n"));
  assert(outputMatches(["...", "exit 4"], "one\ntwo\nexit 4\n"));
  assert(outputMatches([], ""));
});
