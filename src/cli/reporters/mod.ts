import type { ProgramIo } from "../io.ts";
import { styleOf } from "../style.ts";
import { humanReporter } from "./human.ts";
import { jsonReporter } from "./json.ts";
import { tapReporter } from "./tap.ts";
import type { Reporter } from "./test_report.ts";

/** Creates the reporter for the flags, on standard output. `names` are the test names known in advance. */
export function reporterOf(
  flags: { readonly json: boolean; readonly tap: boolean },
  io: ProgramIo,
  names: readonly string[] = [],
): Reporter {
  const write = (text: string) => io.stdout.write(text);
  if (flags.json) return jsonReporter(write);
  return flags.tap ? tapReporter(write) : humanReporter(write, styleOf(io), names);
}
