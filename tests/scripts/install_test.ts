import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sha256 } from "../../scripts/release/npm_runtime.ts";
import { run } from "../../scripts/release/run.ts";
import { serveFolder } from "../support/file_server.ts";
import { fromFileUrl } from "../support/paths.ts";
import { toolTest } from "../support/tools.ts";

const ignore = Deno.build.os === "windows";
const ARCHIVE = `parley-9.9.9-${Deno.build.target}`;
const SITE = "latest/download";
const SCRIPT = fromFileUrl("../../scripts/install.sh");
const INSTALLED = ["parley-client", "parley-server", "parley-udp"];

interface ReleaseSite extends AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  /** The folder that programs are installed into. */
  readonly bin: string;
  install(env?: Record<string, string>): Promise<Installed>;
}

/** A release site whose programs are scripts that print their versions; `server` replaces the first of them. */
async function releaseSite({ server }: { server?: string } = {}): Promise<ReleaseSite> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/${SITE}/${ARCHIVE}`, { recursive: true });
  for (const name of ["parley-server", "parley-client", "parley-udp"]) {
    const script = name === "parley-server" && server !== undefined ? server : `echo "${name} 9.9.9"`;
    await Deno.writeTextFile(`${folder}/${SITE}/${ARCHIVE}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  await run("tar", ["-czf", `${ARCHIVE}.tar.gz`, ARCHIVE], { cwd: `${folder}/${SITE}` });
  const sum = await sha256(await Deno.readFile(`${folder}/${SITE}/${ARCHIVE}.tar.gz`));
  const other = `${"0".repeat(64)}  parley-9.9.9-riscv64-unknown-linux-gnu.tar.gz\n`;
  await Deno.writeTextFile(`${folder}/${SITE}/SHA256SUMS`, `${other}${sum}  ${ARCHIVE}.tar.gz\n`);
  const site = serveFolder(folder);
  return {
    folder: `${folder}/${SITE}`,
    url: site.url,
    bin: `${folder}/bin`,
    install: (env) => install(site.url, `${folder}/bin`, env),
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

async function install(releases: string, bin: string, env: Record<string, string> = {}): Promise<Installed> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [SCRIPT],
    env: { PARLEY_RELEASES: releases, PARLEY_BIN: bin, ...env },
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
    programs: await filesIn(bin),
  };
}

/** Every name in a folder, also those that begin with a dot; none where there is no folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  return entries.map(({ name }) => name).sort();
}

/** A failed installation is one line, exit code 1, and leaves the folder as it was. */
function assertRefused({ code, stdout, stderr, programs }: Installed, reason: string, before: string[] = []): void {
  assertStringIncludes(stderr, reason);
  assertEquals([code, stdout, stderr.trimEnd().split("\n").length, programs], [1, "", 1, before], stderr);
}

Deno.test({
  name: "install.sh puts the three programs of this platform in place",
  ignore,
  async fn() {
    await using site = await releaseSite();
    const { code, stdout, stderr, programs } = await site.install();
    assertEquals(code, 0, stderr);
    assertMatch(
      stdout,
      /^installed parley-server, parley-client, parley-udp 9\.9\.9 into \S+\/bin\nadd it to the path: /,
    );
    assertEquals(programs, INSTALLED);
  },
});

Deno.test({
  name: "install.sh installs nothing if the archive's checksum differs",
  ignore,
  async fn() {
    await using site = await releaseSite();
    const file = await Deno.open(`${site.folder}/${ARCHIVE}.tar.gz`, { append: true });
    await file.write(new Uint8Array(1));
    file.close();
    assertRefused(await site.install(), "is damaged: its SHA-256 is ");
  },
});

Deno.test({
  name: "install.sh reports a missing build for this platform, and a missing site",
  ignore,
  async fn() {
    await using site = await releaseSite();
    await Deno.writeTextFile(`${site.folder}/SHA256SUMS`, "");
    assertRefused(await site.install(), `has no build for ${Deno.build.target}`);
    const nowhere = await install(`${site.url}/nowhere`, site.bin);
    assertRefused(nowhere, `Cannot download ${site.url}/nowhere/latest/download/SHA256SUMS: `);
  },
});

Deno.test({
  name: "install.sh replaces no program if a new one does not start (fault 62)",
  ignore,
  async fn() {
    await using site = await releaseSite({ server: 'echo "no such library" >&2; exit 127' });
    await Deno.mkdir(site.bin);
    for (const name of INSTALLED) await Deno.writeTextFile(`${site.bin}/${name}`, "old");
    const installed = await site.install();
    assertRefused(installed, "parley-server does not start on this machine", INSTALLED);
    assertStringIncludes(installed.stderr, "no such library");
    for (const name of INSTALLED) assertEquals(await Deno.readTextFile(`${site.bin}/${name}`), "old");
  },
});

Deno.test({
  name: "install.sh checks the folder before it downloads anything (fault 62)",
  ignore,
  async fn() {
    await using site = await releaseSite();
    // Where nothing answers, a download would be the first thing to fail.
    const nowhere = { PARLEY_RELEASES: "http://127.0.0.1:1" };
    await Deno.writeTextFile(`${site.folder}/file`, "");
    const below = await site.install({ ...nowhere, PARLEY_BIN: `${site.folder}/file/bin` });
    assertRefused(below, "Cannot create the folder");
    await Deno.mkdir(`${site.bin}/parley-udp`, { recursive: true });
    assertRefused(await site.install(nowhere), "parley-udp: it is a directory", ["parley-udp"]);
    const homeless = await site.install({ ...nowhere, PARLEY_BIN: "", HOME: "" });
    assertRefused(homeless, "HOME is not set; set PARLEY_BIN", ["parley-udp"]);
  },
});

Deno.test({
  name: "install.sh names the tool that is missing (fault 62)",
  ignore,
  async fn() {
    await using site = await releaseSite();
    const tools = `${site.folder}/tools`;
    await Deno.mkdir(tools);
    const link = async (name: string) => await Deno.symlink((await run("which", [name])).trim(), `${tools}/${name}`);
    for (const name of ["sh", "uname", "mkdir"]) await link(name);
    const env = { PATH: tools };
    assertRefused(await site.install(env), "curl or wget is required");
    await link("curl");
    assertRefused(await site.install(env), "tar is required");
    await link("tar");
    assertRefused(await site.install(env), "sha256sum, shasum or openssl is required");
  },
});

Deno.test({
  name: "install.sh takes a version with and without its v (fault 62)",
  ignore,
  async fn() {
    await using site = await releaseSite();
    await Deno.mkdir(`${site.folder}/../../download`);
    await Deno.rename(site.folder, `${site.folder}/../../download/v9.9.9`);
    for (const version of ["9.9.9", "v9.9.9"]) {
      const { code, stderr, programs } = await site.install({ PARLEY_VERSION: version });
      assertEquals([code, stderr, programs], [0, "", INSTALLED]);
    }
  },
});

Deno.test({
  name: "install.sh reads sums with CR LF and with the mark of binary files (fault 62)",
  ignore,
  async fn() {
    await using site = await releaseSite();
    const sums = await Deno.readTextFile(`${site.folder}/SHA256SUMS`);
    await Deno.writeTextFile(`${site.folder}/SHA256SUMS`, sums.replaceAll("  ", " *").replaceAll("\n", "\r\n"));
    const { code, stderr, programs } = await site.install();
    assertEquals([code, stderr, programs], [0, "", INSTALLED]);
  },
});

for (const shell of ["dash", "bash", "busybox"]) {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    toolTest(shell, `install.sh leaves nothing behind at ${signal} in ${shell} (fault 62)`, async () => {
      const folder = await Deno.makeTempDir();
      const asked = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<Response>();
      // A download that has begun and does not end.
      const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
        asked.resolve();
        return answer.promise;
      });
      try {
        const child = new Deno.Command(shell, {
          args: shell === "busybox" ? ["sh", SCRIPT] : [SCRIPT],
          env: { PARLEY_RELEASES: `http://127.0.0.1:${site.addr.port}`, PARLEY_BIN: `${folder}/bin` },
          stdout: "null",
          stderr: "null",
        }).spawn();
        await asked.promise;
        assertEquals((await filesIn(`${folder}/bin`)).length, 1);
        child.kill(signal);
        assertEquals((await child.status).code, code);
        assertEquals(await filesIn(`${folder}/bin`), []);
      } finally {
        answer.resolve(new Response(""));
        await site.shutdown();
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}
