/**
 * `parley-server`: serves.
 *
 * @module
 */

import { systemIo } from "./cli/io.ts";
import { runProgram } from "./cli/run_program.ts";
import { serverProgram } from "./commands/server/program.ts";

if (import.meta.main) {
  Deno.exit(await runProgram(serverProgram, Deno.args, systemIo(Deno.exit)));
}
