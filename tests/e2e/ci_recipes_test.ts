/** The manual's CI recipes, their steps run as they stand, against a release site on this machine. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { load } from "js-yaml";
import { bundleProgram } from "../../scripts/release/bundle_program.ts";
import { sha256 } from "../../scripts/release/npm_runtime.ts";
import { run } from "../../scripts/release/run.ts";
import { serveFolder } from "../support/file_server.ts";
import { fromFileUrl } from "../support/paths.ts";
import { toolTest } from "../support/tools.ts";

const recipes = await Deno.readTextFile(fromFileUrl("../../src/manual/recipes.md"));

/** The page's block of a file that it names in its first line. */
function fileOf(name: string): string {
  const block = recipes.split("```").find((each) => each.startsWith(`yaml\n# ${name}\n`));
  if (block === undefined) throw new Error(`the page has no ${name}`);
  return block.slice("yaml\n".length);
}

/** A folder as a checkout is, whose servers are ended with it. */
async function checkout() {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/bin`);
  await Deno.mkdir(`${folder}/site`);
  await Deno.writeTextFile(`${folder}/smoke.yaml`, fileOf("smoke.yaml"));
  const site = serveFolder(`${folder}/site`);
  return {
    folder,
    url: site.url,
    /** A command that starts Deno, and leaves its process number for the end. */
    script: (path: string, before: string, words: string) =>
      Deno.writeTextFile(
        `${folder}/${path}`,
        `#!/bin/sh\n${before}\necho $$ >> '${folder}/started'\nexec '${Deno.execPath()}' ${words} "$@"\n`,
        { mode: 0o755 },
      ),
    async [Symbol.asyncDispose]() {
      const started = await Deno.readTextFile(`${folder}/started`).catch(() => "");
      for (const pid of started.split("\n").filter(Boolean)) {
        try {
          Deno.kill(Number(pid), "SIGTERM");
        } catch {
          // It has ended already.
        }
      }
      await site[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs a script of bash, as CI servers do. */
async function bash(script: string, cwd: string, env: Record<string, string>): Promise<void> {
  await run("bash", ["--norc", "-eo", "pipefail", "-c", `{ ${script}\n} > out.log 2>&1 < /dev/null`], { cwd, env });
}

interface Workflow {
  jobs: { smoke: { env: Record<string, string>; steps: { run?: string }[] } };
}

toolTest(
  "curl",
  "the recipe for GitHub Actions checks the archive, and writes a report that passed",
  async () => {
    await using place = await checkout();
    const { env, steps } = (load(fileOf(".github/workflows/smoke.yml")) as Workflow).jobs.smoke;
    const archive = env["ARCHIVE"] ?? "";
    await Deno.mkdir(`${place.folder}/site/${archive}`);
    for (const name of ["server", "client"]) {
      const words = `run --quiet --allow-all --unstable-net '${fromFileUrl(`../../src/${name}.ts`)}'`;
      await place.script(`site/${archive}/parley-${name}`, "", words);
    }
    await run("tar", ["-czf", `${archive}.tar.gz`, archive], { cwd: `${place.folder}/site` });
    const sum = await sha256(await Deno.readFile(`${place.folder}/site/${archive}.tar.gz`));
    const other = `${"0".repeat(64)}  parley-0.1.0-aarch64-apple-darwin.tar.gz\n`;
    await Deno.writeTextFile(`${place.folder}/site/SHA256SUMS`, `${other}${sum}  ${archive}.tar.gz\n`);

    const files = { GITHUB_ENV: `${place.folder}/github.env`, GITHUB_PATH: `${place.folder}/github.path` };
    for (const file of Object.values(files)) await Deno.writeTextFile(file, "");
    for (const { run: script } of steps) {
      if (script === undefined) continue;
      const added = (await Deno.readTextFile(files.GITHUB_PATH)).trim();
      const set = (await Deno.readTextFile(files.GITHUB_ENV)).split("\n").filter(Boolean).map((line) =>
        line.split("=")
      );
      await bash(script, place.folder, {
        ...env,
        PARLEY: place.url,
        ...files,
        ...Object.fromEntries(set),
        PATH: `${added}:${Deno.env.get("PATH")}`,
      });
    }
    assertPassed(await Deno.readTextFile(`${place.folder}/report.xml`));
  },
);

Deno.test({
  name: "the recipe for GitLab runs the programs by URL, and writes a report that passed",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using place = await checkout();
    const info = { version: "0.0.0", commit: "0123abc" };
    await Promise.all((["server", "client"] as const).map((name) => bundleProgram(name, `${place.folder}/site`, info)));
    await place.script("bin/npx", '[ "$1 $2" = "-y deno@2.9.6" ] || exit 64; shift 2', "");
    const { variables, script } = (load(fileOf(".gitlab-ci.yml")) as {
      smoke: { variables: Record<string, string>; script: string[] };
    }).smoke;
    assertEquals(Object.keys(variables), ["PARLEY"]);
    await bash(script.join("\n"), place.folder, {
      PARLEY: place.url,
      PATH: `${place.folder}/bin:${Deno.env.get("PATH")}`,
    });
    assertPassed(await Deno.readTextFile(`${place.folder}/report.xml`));
  },
});

function assertPassed(report: string): void {
  assertStringIncludes(report, 'name="orders come back"');
  assertStringIncludes(report, 'tests="1"');
  assertStringIncludes(report, 'failures="0"');
}
