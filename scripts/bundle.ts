/**
 * Makes `parley-server.js`, `parley-client.js` and `parley-udp.js`: one file
 * each, which `deno run` takes from any URL.
 *
 * `deno task bundle [--out FOLDER]`
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { formatSize } from "../src/base/units.ts";
import { buildInfo } from "./release/build_info.ts";
import { bundleProgram, PROGRAMS } from "./release/bundle_program.ts";

const { out } = parseArgs(Deno.args.filter((word) => word !== "--"), { string: ["out"] });
const folder = typeof out === "string" ? out : "dist";
await Deno.mkdir(folder, { recursive: true });
const info = await buildInfo();
for (const name of PROGRAMS) {
  const path = await bundleProgram(name, folder, info);
  const { size } = await Deno.stat(path);
  console.log(`${path}  ${formatSize(size)}`);
}
