import type { ProgramIo } from "../io.ts";
import type { PrintQueue } from "../print.ts";
import { styleOf } from "../style.ts";
import { humanReporter } from "./human.ts";
import { jsonReporter } from "./json.ts";
import { tapReporter } from "./tap.ts";
import type { Reporter } from "./test_report.ts";

/** Creates the reporter for the flags. `names` are the test names known in advance. */
export function reporterOf(
  flags: { readonly json: boolean; readonly tap: boolean },
  io: ProgramIo,
  { output, names = [] }: { readonly output: PrintQueue; readonly names?: readonly string[] },
): Reporter {
  const write = (text: string) => output.print(text);
  if (flags.json) return jsonReporter(write);
  return flags.tap ? tapReporter(write) : humanReporter(write, styleOf(io), names);
}
