import { assertEquals } from "@std/assert";
import { fromFileUrl } from "./paths.ts";

/**
 * Does what each unindented line of a script says, and compares what came of
 * it with the indented lines below. With `-- --update` it writes them instead.
 */
export async function replayScript(path: string, run: (line: string) => Promise<readonly string[]>): Promise<void> {
  const file = fromFileUrl(path);
  const script = await Deno.readTextFile(file);
  const written: string[] = [];
  for (const line of script.split("\n").filter((line) => /^\S/.test(line))) {
    written.push(line, ...(await run(line)).map((line) => `  ${line}`.trimEnd()));
  }
  const text = `${written.join("\n")}\n`;
  if (Deno.args.includes("--update")) await Deno.writeTextFile(file, text);
  else assertEquals(text, script);
}
