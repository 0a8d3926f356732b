import { type FlagSpec, type FlagTable, kebabCase } from "../../base/flag_spec.ts";
import type { Command } from "../command.ts";

/** How endpoints begin; as in `net/endpoint.ts`, which the command line does not know. */
export const ENDPOINT_STARTS = ["tcp://", "tls://", "ws://", "wss://", "unix:", "udp://", "unixgram:"] as const;

/** What can stand where a value is expected. */
export type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" | "endpoint" | "other" };

/** What a flag takes, or `undefined` where it takes nothing. */
export function valuesOfFlag(spec: FlagSpec): Values | undefined {
  if (spec.type === "boolean") return undefined;
  if (spec.type === "choice") return { kind: "words", words: spec.choices };
  if (spec.placeholder === "FILE") return { kind: "file" };
  if (spec.placeholder === "ENDPOINT") return { kind: "endpoint" };
  return { kind: "other" };
}

/** What the arguments of a command are. */
export function valuesOfArguments({ usage }: Command): Values {
  if (/^[a-z]+(?:\|[a-z]+)+$/.test(usage)) return { kind: "words", words: usage.split("|") };
  if (usage.includes("ENDPOINT")) return { kind: "endpoint" };
  return { kind: usage.includes("FILE") ? "file" : "other" };
}

/** Long flags as they are typed, with `--help`. */
export function flagWords(table: FlagTable): string[] {
  return [...Object.keys(table).map((name) => `--${kebabCase(name)}`), "--help"];
}
