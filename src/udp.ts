/**
 * Entry point of `parley-udp`.
 *
 * @module
 */

import { systemIo } from "./cli/io.ts";
import { runProgram } from "./cli/run_program.ts";
import { udpProgram } from "./commands/udp/program.ts";

if (import.meta.main) {
  Deno.exit(await runProgram(udpProgram, Deno.args, systemIo(Deno.exit)));
}
