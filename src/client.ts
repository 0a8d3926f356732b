/**
 * Entry point of `parley-client`.
 *
 * @module
 */

import { systemIo } from "./cli/io.ts";
import { runProgram } from "./cli/run_program.ts";
import { clientProgram } from "./commands/client/program.ts";
import { runAsWorker } from "./commands/worker.ts";

if (import.meta.main) {
  const isWorker = await runAsWorker(() => import("./commands/client/bench/threads.ts"));
  if (!isWorker) Deno.exit(await runProgram(clientProgram, Deno.args, systemIo(Deno.exit)));
}
