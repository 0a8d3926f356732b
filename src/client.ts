/**
 * `parley-client`: talks.
 *
 * @module
 */

import { systemIo } from "./cli/io.ts";
import { runProgram } from "./cli/run_program.ts";
import { isLoadWorker, runLoadWorker } from "./commands/client/bench/load_worker_name.ts";
import { clientProgram } from "./commands/client/program.ts";

if (import.meta.main) {
  if (isLoadWorker()) await runLoadWorker();
  else Deno.exit(await runProgram(clientProgram, Deno.args, systemIo(Deno.exit)));
}
