/** The README's first sessions, and what it says Parley prints when something goes wrong, run as they stand. */

import { assert } from "@std/assert";
import { TestAuthority } from "../support/certificates.ts";
import { fromFileUrl } from "../support/paths.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { tlsPeer } from "../support/tls_peer.ts";
import { toolTest } from "../support/tools.ts";
import { outputMatches, Stage, transcriptsOf } from "../support/transcript.ts";

const readme = await Deno.readTextFile(fromFileUrl("../../README.md"));

for (const heading of ["## Quick start", "## Troubleshooting"]) {
  const transcripts = transcriptsOf(readme, heading);
  assert(transcripts.length >= 4, heading);
  for (const transcript of transcripts) {
    const needsNc = transcript.steps.some(({ command }) => /\| nc /.test(command));
    toolTest(needsNc ? "nc" : "sh", `README, ${heading.slice(3)}: ${transcript.steps[0]?.command}`, async () => {
      const authority = await TestAuthority.create("Example CA");
      await using resetting = await resettingPeer();
      await using expired = tlsPeer(await authority.issue({ fromDays: -60, toDays: -30 }));
      await using stage = await Stage.create(
        new Map([["9100", portOf(resetting.endpoint)], ["8444", portOf(expired.endpoint)]]),
      );
      const { cert, key } = await authority.issue();
      await Deno.writeTextFile(`${stage.folder}/ca.pem`, authority.cert);
      await Deno.writeTextFile(`${stage.folder}/cert.pem`, cert);
      await Deno.writeTextFile(`${stage.folder}/key.pem`, key);
      await stage.run(transcript);
    });
  }
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

Deno.test("README: every link leads to a heading or a file that is there", async () => {
  const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) => slug(text));
  const targets = [...readme.matchAll(/(?:\]\(|src=")([^)"\s]+)[)"]/g)].map(([, target = ""]) => target);
  assert(targets.length > 30);
  for (const target of targets) {
    if (target.startsWith("#")) assert(headings.includes(target.slice(1)), target);
    else if (!target.startsWith("https:")) assert((await Deno.stat(fromFileUrl(`../../${target}`))).isFile, target);
  }
});

/** A heading as GitHub makes an anchor of it. */
function slug(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-");
}

function portOf(endpoint: string): string {
  return new URL(endpoint.replace(/^\w+:/, "http:")).port;
}
