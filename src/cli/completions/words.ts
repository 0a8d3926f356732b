import { type FlagSpec, type FlagTable, kebabCase } from "../../base/flag_spec.ts";
import type { LoadedCommand, LoadedProgram } from "../command.ts";

/** The possible values at a position. */
export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Prefixes such as `tcp://`, completed without a space. */
  | { readonly kind: "starts"; readonly starts: readonly string[] }
  | { readonly kind: "file" | "other" };

/** Completions of the flags and arguments of a command. */
export class CommandValues {
  readonly #starts: readonly string[];
  readonly #command: LoadedCommand;

  constructor(program: LoadedProgram, command: LoadedCommand) {
    this.#command = command;
    this.#starts = [...new Set([...program.schemes, ...command.schemes ?? []])].map(startOf);
  }

  /** The values of a flag, or `undefined` if it takes none. */
  ofFlag(spec: FlagSpec): Values | undefined {
    if (spec.type === "boolean") return undefined;
    if (spec.type === "choice") return { kind: "words", words: spec.choices };
    return this.#named(spec.placeholder ?? "");
  }

  /** The arguments in order, without a command after `--`; the last one applies to all that follow. */
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

/** Prefix of endpoints with this scheme. */
function startOf(scheme: string): string {
  return /^(?:unix|ws\+unix|unixgram|file|exec)$/.test(scheme) ? `${scheme}:` : `${scheme}://`;
}

/** Long flags, including `--help`. */
export function flagWords(table: FlagTable): string[] {
  return [...Object.keys(table).map((name) => `--${kebabCase(name)}`), "--help", "--help-all"];
}
