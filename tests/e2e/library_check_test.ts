import { assertEquals } from "@std/assert";
import { fromFileUrl } from "../support/paths.ts";

Deno.test("a program of another project that imports the library passes deno check (fault 37)", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { imports } = JSON.parse(await Deno.readTextFile(fromFileUrl("../../deno.json")));
    const library = new URL("../../src/mod.ts", import.meta.url).href;
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ imports: { ...imports, "@parley/parley": library }, unstable: ["net"] }),
    );
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      'import { connect } from "@parley/parley";\nconsole.log(connect);\n',
    );
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "main.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
