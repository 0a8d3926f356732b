import type { Prepared } from "./prepare.ts";
import type { RunningContender } from "./process.ts";
import { type Load, socketPath } from "./work.ts";

/** The load generator's command line for a server, with all placeholders filled in. */
export function loadWords(
  load: Load,
  { contender, port }: Pick<RunningContender, "contender" | "port">,
  { tools }: Prepared,
  seconds: number,
): readonly string[] {
  const [program = "", ...rest] = load.words(contender).map((word) =>
    word.replace("PORT", String(port)).replace("SECONDS", String(seconds)).replace("SOCKET", socketPath(port, tools))
  );
  return [program.includes("/") ? program : tools.built(program), ...rest];
}
