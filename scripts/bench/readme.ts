import { run } from "./process.ts";
import { sourcePath } from "./paths.ts";

const README = sourcePath("README.md");
const TABLE = /(<!-- bench: [^\n]*-->\n)[\s\S]*?(<!-- \/bench -->)/;

/** Puts the table in place of the one that stands between the marks of the benchmarks' README. */
export async function writeReadme(table: string): Promise<void> {
  const text = await Deno.readTextFile(README);
  if (!TABLE.test(text)) {
    throw new Error("Cannot put the table into scripts/bench/README.md: it has no <!-- bench: ... --> mark");
  }
  await Deno.writeTextFile(README, text.replace(TABLE, (_, begin, end) => `${begin}\n${table}\n${end}`));
  await run([Deno.execPath(), "fmt", "--quiet", README]);
}
