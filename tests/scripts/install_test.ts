import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sha256 } from "../../scripts/release/npm_runtime.ts";
import { run } from "../../scripts/release/run.ts";
import { serveFolder } from "../support/file_server.ts";
import { fromFileUrl } from "../support/paths.ts";

const ignore = Deno.build.os === "windows";
const ARCHIVE = `parley-9.9.9-${Deno.build.target}`;
const SITE = "latest/download";

/** A release site whose programs are scripts that say their names. */
async function releaseSite(): Promise<
  { folder: string; url: string; install(): Promise<Installed> } & AsyncDisposable
> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/${SITE}/${ARCHIVE}`, { recursive: true });
  for (const name of ["parley-server", "parley-client", "parley-udp"]) {
    await Deno.writeTextFile(`${folder}/${SITE}/${ARCHIVE}/${name}`, `#!/bin/sh\necho "${name} 9.9.9"\n`, {
      mode: 0o755,
    });
  }
  await run("tar", ["-czf", `${ARCHIVE}.tar.gz`, ARCHIVE], { cwd: `${folder}/${SITE}` });
  const sum = await sha256(await Deno.readFile(`${folder}/${SITE}/${ARCHIVE}.tar.gz`));
  const other = `${"0".repeat(64)}  parley-9.9.9-riscv64-unknown-linux-gnu.tar.gz\n`;
  await Deno.writeTextFile(`${folder}/${SITE}/SHA256SUMS`, `${other}${sum}  ${ARCHIVE}.tar.gz\n`);
  const site = serveFolder(folder);
  return {
    folder: `${folder}/${SITE}`,
    url: site.url,
    install: () => install(site.url, `${folder}/bin`),
    async [Symbol.asyncDispose]() {
      await site[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

interface Installed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly programs: readonly string[];
}

async function install(releases: string, bin: string): Promise<Installed> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [fromFileUrl("../../scripts/install.sh")],
    env: { PARLEY_RELEASES: releases, PARLEY_BIN: bin },
  }).output();
  const decoder = new TextDecoder();
  const entries = await Array.fromAsync(Deno.readDir(bin)).catch(() => []);
  const programs = entries.map(({ name }) => name).sort();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), programs };
}

Deno.test({
  name: "install.sh puts the three programs of this platform in place",
  ignore,
  async fn() {
    await using site = await releaseSite();
    const { code, stdout, stderr, programs } = await site.install();
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^installed parley-server 9\.9\.9 into \S+\/bin\nadd it to the path: /);
    assertEquals(programs, ["parley-client", "parley-server", "parley-udp"]);
  },
});

Deno.test({
  name: "install.sh installs nothing where the archive's sum is another",
  ignore,
  async fn() {
    await using site = await releaseSite();
    const file = await Deno.open(`${site.folder}/${ARCHIVE}.tar.gz`, { append: true });
    await file.write(new Uint8Array(1));
    file.close();
    const { code, stderr, programs } = await site.install();
    assertEquals(code, 1);
    assertStringIncludes(stderr, "is damaged: its SHA-256 is ");
    assertEquals(programs, []);
  },
});

Deno.test({
  name: "install.sh says so where there is no build for this platform, and where there is no site",
  ignore,
  async fn() {
    await using site = await releaseSite();
    await Deno.writeTextFile(`${site.folder}/SHA256SUMS`, "");
    const { code, stderr } = await site.install();
    assertEquals(code, 1);
    assertStringIncludes(stderr, `has no build for ${Deno.build.target}`);
    const nowhere = await install(`${site.url}/nowhere`, `${site.folder}/bin`);
    assertEquals(nowhere.code, 1);
    assertStringIncludes(nowhere.stderr, "cannot download ");
  },
});
