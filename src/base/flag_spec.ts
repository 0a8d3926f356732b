/**
 * Command-line flags as plain data: services declare flags without depending on the command line, and the parser,
 * `--help`, completions and man pages share one table.
 *
 * @module
 */

/** The groups of `--help`. The main flags of a command have none. */
export const FLAG_GROUPS = [
  "Common",
  "Connection",
  "Framing",
  "Limits",
  "Access",
  "TLS",
  "Proxy",
  "WebSocket",
  "HTTP",
  "Cluster",
  "Socket",
  "Logging",
] as const;

/** One of {@linkcode FLAG_GROUPS}. */
export type FlagGroup = typeof FLAG_GROUPS[number];

interface FlagBase {
  /** One line for `--help`, without a full stop. */
  readonly help: string;
  /** One letter, for `-n`. */
  readonly short?: string;
  /** The flag may be given more than once; its value is a list. */
  readonly repeat?: boolean;
  /** A former name in kebab case, still accepted but not shown. */
  readonly formerName?: string;
  /** Placeholder for the value in `--help`. */
  readonly placeholder?: string;
  /** Heading in `--help-all`; `--help` describes the flags without a group, and those of `Common`. */
  readonly group?: FlagGroup;
}

/** One flag; its long name is its key in the table, in kebab case. */
export type FlagSpec =
  & FlagBase
  & (
    | { readonly type: "boolean" }
    /** An empty value is rejected unless `allowsEmpty` is set: an unset shell variable could disable a check. */
    | { readonly type: "text"; readonly default?: string; readonly allowsEmpty?: true }
    | { readonly type: "choice"; readonly choices: readonly string[]; readonly default?: string }
    /** An integer of at least `min`, by default 0. */
    | {
      readonly type: "integer";
      readonly default?: number;
      readonly min?: number;
      readonly max?: number;
      /** The number is optional; without it the value is `true`. */
      readonly optional?: true;
    }
    /** Text such as `2s`; the value is in milliseconds. Up to ten years if no timer waits for it. */
    | { readonly type: "duration"; readonly default?: string; readonly isTimer?: false }
    /** Text such as `64KiB`; the value is in bytes. */
    | { readonly type: "size"; readonly default?: string }
  );

/** Flags by their camel-case name: `idleTimeout` is `--idle-timeout`. */
export type FlagTable = Readonly<Record<string, FlagSpec>>;

type Single<F extends FlagSpec> = F extends { type: "boolean" } ? boolean
  : F extends { type: "text" } ? string
  : F extends { type: "choice"; choices: readonly (infer C)[] } ? C
  : F extends { optional: true } ? number | true
  : number;

/** The type of a flag's value: a list if it can repeat, `undefined` if it has no default. */
type FlagValue<F extends FlagSpec> = F extends { repeat: true } ? Single<F>[]
  : F extends { type: "boolean" } | { default: string | number } ? Single<F>
  : Single<F> | undefined;

/** The values of a table of flags, under the same keys. */
export type FlagValues<T extends FlagTable> = { readonly [K in keyof T]: FlagValue<T[K]> };

/** Puts all flags of a table into one group. */
export function inGroup<const T extends FlagTable>(group: FlagGroup, flags: T): T {
  // The values keep their types: `group` is a property that every flag may have.
  return Object.fromEntries(Object.entries(flags).map(([name, spec]) => [name, { ...spec, group }])) as T;
}

/** Converts `idleTimeout` to `idle-timeout`. */
export function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** An example in `--help`. */
export interface Example {
  /** The words after the program's name, such as `echo :8888`. */
  readonly words: string;
  /** What the command does, in lower case. */
  readonly does: string;
}
