/**
 * Creates `parley-server.js`, `parley-client.js` and `parley-udp.js`: one file each, which `deno run` accepts from any
 * URL.
 *
 * `deno task bundle [--out FOLDER]`
 *
 * @module
 */

import { formatSize } from "../src/base/units.ts";
import { buildInfo } from "./release/build_info.ts";
import { bundleProgram, PROGRAMS } from "./release/bundle_program.ts";
import { taskFlags } from "./task_flags.ts";

const { out: folder } = taskFlags({
  task: "bundle",
  summary: "make one file without imports of each program",
  flags: { out: { type: "text", default: "dist", placeholder: "FOLDER", help: "folder to write to" } },
});
await Deno.mkdir(folder, { recursive: true });
const info = await buildInfo();
for (const name of PROGRAMS) {
  const path = await bundleProgram(name, folder, info);
  const { size } = await Deno.stat(path);
  console.log(`${path}  ${formatSize(size)}`);
}
