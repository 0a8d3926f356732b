/**
 * Runs the smoke tests with compiled programs instead of the sources.
 *
 * `deno task smoke [FOLDER]`; FOLDER contains the programs, `dist` by default, so that a download can be checked as
 * well as a build.
 *
 * @module
 */

const [folder = "dist"] = Deno.args.filter((word) => word !== "--");
const tests = new URL("../tests/smoke", import.meta.url).pathname;
const preload = new URL("../tests/support/test_deadline.ts", import.meta.url).pathname;
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "--allow-all", "--sanitize-ops", "--sanitize-resources", `--preload=${preload}`, tests],
  env: { PARLEY_PROGRAMS: await Deno.realPath(folder) },
  stdin: "null",
}).spawn().status;
Deno.exit(code);
