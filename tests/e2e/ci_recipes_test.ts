/** The manual's CI recipes, run step by step as written, against a local release site. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { load } from "js-yaml";
import { bundleProgram } from "../../scripts/release/bundle_program.ts";
import { sha256 } from "../../scripts/release/npm_runtime.ts";
import { run } from "../../scripts/release/run.ts";
import { serveFolder } from "../support/file_server.ts";
import { fromFileUrl } from "../support/paths.ts";
import { closedPort } from "../support/ports.ts";
import { runClient } from "../support/run_client.ts";
import { toolTest } from "../support/tools.ts";

const recipes = await Deno.readTextFile(fromFileUrl("../../src/manual/recipes.md"));

/** The page's block of a file that it names in its first line. */
function fileOf(name: string): string {
  const block = recipes.split("```").find((each) => new RegExp(`^\\w+\\n# ${RegExp.escape(name)}\\n`).test(each));
  if (block === undefined) throw new Error(`the page has no ${name}`);
  return block.slice(block.indexOf("\n") + 1);
}

/** A folder like a checkout, whose servers are ended with it. */
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

/** The calls of `parley-client check` in the recipes for containers, systemd and service containers. */
function checksOfRecipes(): string[][] {
  const compose = load(fileOf("compose.yaml")) as {
    services: { api: { entrypoint: string[]; healthcheck: { test: string[] } } };
  };
  const pod = load(fileOf("pod.yaml")) as {
    spec: {
      initContainers: { command: string[] }[];
      containers: { readinessProbe: { exec: { command: string[] } } }[];
    };
  };
  const github = load(fileOf(".github/workflows/service.yml")) as { jobs: { test: { steps: { run: string }[] } } };
  const gitlab = load(fileOf("service.gitlab-ci.yml")) as { test: { script: string[] } };
  const unit = /^ExecStartPre=\/usr\/local\/bin\/(.*)$/m.exec(fileOf("api.service"))?.[1] ?? "";
  const lines = [...github.jobs.test.steps.map(({ run }) => run), ...gitlab.test.script, unit];
  return [
    compose.services.api.entrypoint,
    compose.services.api.healthcheck.test.slice(1),
    ...pod.spec.initContainers.map(({ command }) => command),
    ...pod.spec.containers.map(({ readinessProbe }) => readinessProbe.exec.command),
    ...lines.map((line) => line.split(" ")),
  ];
}

/** A call with its endpoints at another port, and its command replaced. */
function adapted(words: readonly string[], port: number, scheme?: string): string[] {
  const dashes = words.indexOf("--");
  const own = (dashes === -1 ? words : words.slice(0, dashes)).slice(1)
    .map((word) => word.replace(/^(\w+):\/\/[\w.-]+:\d+.*$/, (_, given) => `${scheme ?? given}://127.0.0.1:${port}`))
    .map((word) => /^\d+s$/.test(word) ? "300ms" : word);
  return dashes === -1 ? own : [...own, "--", "sh", "-c", "exit 3"];
}

Deno.test("the recipes' readiness checks wait for servers, and keep the exit code of the command", async () => {
  const checks = checksOfRecipes();
  assertEquals(checks.length, 7);
  using up = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clients = Array.fromAsync(up);
  const closed = closedPort();
  for (const words of checks) {
    assertEquals(words.slice(0, 2), ["parley-client", "check"]);
    const refused = await runClient(adapted(words, closed));
    assertEquals(refused.code, 4, `${words.join(" ")}: ${refused.stderr}`);
    const { code } = await runClient(adapted(words, up.addr.port, "tcp"));
    assertEquals(code, words.includes("--") ? 3 : 0, words.join(" "));
  }
  up.close();
  for (const client of await clients) client.close();
});

function assertPassed(report: string): void {
  assertStringIncludes(report, 'name="orders come back"');
  assertStringIncludes(report, 'tests="1"');
  assertStringIncludes(report, 'failures="0"');
}
