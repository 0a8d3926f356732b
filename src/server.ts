/**
 * `parley-server`: serves.
 *
 * @module
 */

import { systemIo } from "./cli/io.ts";
import { runProgram } from "./cli/run_program.ts";
import { serverProgram } from "./commands/server/program.ts";
import { isServerWorker, runServerWorker } from "./commands/server/workers/worker_name.ts";

if (import.meta.main) {
  if (isServerWorker()) await runServerWorker();
  else Deno.exit(await runProgram(serverProgram, Deno.args, systemIo(Deno.exit)));
}
