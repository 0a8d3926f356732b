/**
 * `parley-client`: talks.
 *
 * @module
 */

import { systemIo } from "./cli/io.ts";
import { runProgram } from "./cli/run_program.ts";
import { clientProgram } from "./commands/client/program.ts";

if (import.meta.main) {
  Deno.exit(await runProgram(clientProgram, Deno.args, systemIo(Deno.exit)));
}
