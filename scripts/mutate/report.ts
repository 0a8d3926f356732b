import type { Mutant } from "./mutants.ts";
import type { Verdict } from "./try_mutant.ts";

/** A fault and its verdict. */
export interface Result {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

const MISSED: ReadonlySet<Verdict> = new Set(["hung", "survived", "not covered"]);

/** The score by folder, and the faults that no test noticed, as Markdown. */
export function report(results: readonly Result[]): string {
  const rooms = [...new Set(results.map(({ mutant }) => mutant.path.split("/")[0] ?? ""))].sort();
  const missed = results.filter(({ verdict }) => MISSED.has(verdict));
  return [
    "| folder | faults | failed test | of these by its deadline | hung | survived | not covered | type errors | score |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rooms.map((room) => row(room, results.filter(({ mutant }) => mutant.path.startsWith(`${room}/`)))),
    row("all", results),
    "",
    "Not noticed:",
    "",
    ...missed.map(({ mutant: { path, line, operator, before, after }, verdict }) =>
      `- ${verdict}: \`src/${path}:${line}\`, ${operator}: \`${short(before)}\` became \`${short(after)}\``
    ),
    "",
  ].join("\n");
}

function row(name: string, results: readonly Result[]): string {
  const count = (verdict: Verdict) => results.filter((result) => result.verdict === verdict).length;
  const noticed = count("failed") + count("timed out");
  const share = Math.round(100 * noticed / Math.max(1, results.length - count("type error")));
  const missed = [count("hung"), count("survived"), count("not covered")];
  const cells = [name, results.length, noticed, count("timed out"), ...missed, count("type error"), `${share}%`];
  return `| ${cells.join(" | ")} |`;
}

/** A piece of code in at most 60 characters of one line. */
export function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
