import { assertEquals } from "@std/assert";

const { exports } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
const RUNTIME_IMPORT = /^(?:import|export)(?! type\b)(?: [\w\s*{},]*? from)? "([^"]+)"/gm;

/** The packages that importing a module loads; what it loads when it is needed does not count. */
async function packagesOf(module: string): Promise<string[]> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = async (url: URL): Promise<void> => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    for (const [statement, name = ""] of (await Deno.readTextFile(url)).matchAll(RUNTIME_IMPORT)) {
      if (/^import \{(?:\s*type [^,}]+,?)*\s*\}/.test(statement)) continue;
      if (name.startsWith(".")) await visit(new URL(name, url));
      else if (!name.startsWith("node:")) packages.add(name);
    }
  };
  await visit(new URL(`../../${module}`, import.meta.url));
  return [...packages].sort();
}

const needed: Readonly<Record<string, readonly string[]>> = {
  ".": ["@logtape/logtape"],
  "./server": ["@logtape/logtape"],
  "./probe": ["@logtape/logtape"],
  "./script": ["@logtape/logtape"],
  "./relay": ["@logtape/logtape"],
  "./chat": ["@logtape/logtape", "unhomoglyph", "zod"],
  "./datagram": [],
  "./stack": ["@logtape/logtape", "@std/cli/parse-args", "js-yaml", "zod"],
  "./testing": ["@logtape/logtape", "@std/cli/parse-args"],
};

for (const [name, module] of Object.entries<string>(exports)) {
  Deno.test(`the subpath ${name} loads no package that it does not need`, async () => {
    assertEquals(await packagesOf(module), needed[name]);
  });
}

const OF_PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  "src/server.ts": ["@std/cli/parse-args"],
  "src/client.ts": ["@std/cli/parse-args"],
  "src/udp.ts": ["@std/cli/parse-args"],
  "src/commands/client/check.ts": [],
  "src/commands/client/send.ts": [],
  "src/commands/server/serve.ts": [],
  "src/services/echo.ts": [],
};

for (const [module, packages] of Object.entries(OF_PROGRAMS)) {
  Deno.test(`the start of ${module} waits for no package that it does not need`, async () => {
    assertEquals(await packagesOf(module), packages);
  });
}
