import { assertEquals, assertStringIncludes } from "@std/assert";
import { bundleProgram, PROGRAMS } from "../../scripts/release/bundle_program.ts";
import { serveFolder } from "../support/file_server.ts";
import { fromFileUrl } from "../support/paths.ts";
import { LinePeer } from "../support/peer.ts";

/** A folder without a configuration, in it or above. */
const elsewhere = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(elsewhere));

/** `deno run` of a URL, from a folder that has nothing to do with the sources. */
async function runUrl(url: string, args: readonly string[], flags: readonly string[] = []) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-N", `--reload=${new URL(url).origin}`, ...flags, url, ...args],
    env: { NO_COLOR: "1" },
    cwd: elsewhere,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("the bundles run from any URL with the network alone, and name a missing flag (fault 37) (fault 63)", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const info = { version: "0.0.0", commit: "0123abc" };
    await Promise.all(PROGRAMS.map((name) => bundleProgram(name, folder, info)));
    await using site = serveFolder(folder);
    for (const name of PROGRAMS) {
      const { code, stdout, stderr } = await runUrl(`${site.url}/parley-${name}.js`, ["--version"]);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "(0123abc, deno ");
    }
    await serveEcho(`${site.url}/parley-server.js`);
    const refused = await runUrl(`${site.url}/parley-client.js`, ["check", "tcp://127.0.0.1:1"]);
    assertEquals(refused.code, 4, refused.stderr);
    await assertNamesMissingFlag(site.url);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the sources run from any URL with their import map", async () => {
  await using site = serveFolder(fromFileUrl("../.."));
  const flags = [`--allow-import=${new URL(site.url).host}`, `--import-map=${site.url}/deno.json`];
  for (const name of PROGRAMS) {
    const { code, stdout, stderr } = await runUrl(`${site.url}/src/${name}.ts`, ["--version"], flags);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "(source, deno ");
  }
});

async function serveEcho(url: string): Promise<void> {
  await using server = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-N", url, "echo", "tcp://127.0.0.1:0", "--exit-after", "1", "--print-endpoint"],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(value.trim().split(":").at(-1)) });
  const peer = new LinePeer(conn);
  await peer.send("hello by URL");
  assertEquals(await peer.line(), "hello by URL");
  await conn.closeWrite();
  await reader.cancel();
  assertEquals((await server.status).code, 0);
}

/** What Deno has only with `--unstable-net` is refused in one line that names the flag (faults 37 and 63). */
async function assertNamesMissingFlag(site: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (
      const [program, ...words] of [
        ["server", "echo", ":0", "--workers", "2"],
        ["server", "echo", "[::1]:0", "--workers", "2"],
        ["udp", "serve", "echo", ":0"],
        ["udp", "listen", `unixgram:${folder}/socket`],
        ["udp", "send", ":9", "hello"],
        ["client", "free-port", "--udp"],
      ]
    ) {
      const outcome = await runUrl(`${site}/parley-${program}.js`, words, ["--allow-read", "--allow-write"]);
      assertEquals([words, outcome.code], [words, 8], outcome.stderr);
      const lines = outcome.stderr.split("\n").filter((line) => line.startsWith(`parley-${program}: `));
      assertEquals(lines.map((line) => line.endsWith(": run again with --unstable-net")), [true], outcome.stderr);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
