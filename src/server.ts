/**
 * Entry point of `parley-server`.
 *
 * @module
 */

import { systemIo } from "./cli/io.ts";
import { runProgram } from "./cli/run_program.ts";
import { serverProgram } from "./commands/server/program.ts";
import { runAsWorker } from "./commands/worker.ts";

if (import.meta.main) {
  const isWorker = await runAsWorker(() => import("./commands/server/workers/serve_as_worker.ts"));
  if (!isWorker) Deno.exit(await runProgram(serverProgram, Deno.args, systemIo(Deno.exit)));
}
