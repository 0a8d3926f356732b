import { type FlagSpec, type FlagTable, kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";

/** What can stand where a value is expected. */
export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Beginnings, such as `tcp://`: what follows is typed without a blank. */
  | { readonly kind: "starts"; readonly starts: readonly string[] }
  | { readonly kind: "file" | "other" };

/** What the flags and arguments of a command take. */
export class CommandValues {
  readonly #starts: readonly string[];
  readonly #command: LoadedCommand;

  constructor(program: LoadedProgram, command: LoadedCommand) {
    this.#command = command;
    this.#starts = [...new Set([...program.schemes, ...command.schemes ?? []])].map(startOf);
  }

  /** What a flag takes, or `undefined` where it takes nothing. */
  ofFlag(spec: FlagSpec): Values | undefined {
    if (spec.type === "boolean") return undefined;
    if (spec.type === "choice") return { kind: "words", words: spec.choices };
    return this.#named(spec.placeholder ?? "");
  }

  /** What each argument is, in order; the last one stands for all that follow. A command after `--` is not among them. */
  ofArguments(): Values[] {
    if (this.#command.words !== undefined) return [{ kind: "words", words: this.#command.words }];
    const [own = ""] = this.#command.usage.split(/ ?\[?-- /);
    const words = own.replaceAll(/--\S+ \S+/g, "").trim().split(" ").map((word) => word.replaceAll(/[[\].]/g, ""));
    return words.map((word) => word.includes("|") ? { kind: "words", words: word.split("|") } : this.#named(word));
  }

  #named(placeholder: string): Values {
    if (placeholder === "FILE") return { kind: "file" };
    if (placeholder === "ENDPOINT" || placeholder === "TARGET") return { kind: "starts", starts: this.#starts };
    return { kind: "other" };
  }
}

/** How an endpoint of the scheme begins. */
function startOf(scheme: string): string {
  return /^(?:unix|ws\+unix|unixgram|file|exec)$/.test(scheme) ? `${scheme}:` : `${scheme}://`;
}

/** Long flags as they are typed, with `--help`. */
export function flagWords(table: FlagTable): string[] {
  return [...Object.keys(table).map((name) => `--${kebabCase(name)}`), "--help", "--help-all"];
}
