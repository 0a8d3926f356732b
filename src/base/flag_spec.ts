/**
 * What a command-line flag is, as plain data: so that a service can declare its
 * flags without knowing the command line, and `--help`, completions and the
 * manual pages are all made from the same table.
 *
 * @module
 */

/** The groups of `--help`. A flag without one is what its command is about. */
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
  /** A name that it had before, in kebab case, which is still accepted but not shown. */
  readonly formerName?: string;
  /** What stands for the value in `--help`. */
  readonly placeholder?: string;
  /** Where `--help-all` lists it; `--help` names the flags of most groups without describing them. */
  readonly group?: FlagGroup;
}

/** One flag; its long name is the key in its table, in kebab case. */
export type FlagSpec =
  & FlagBase
  & (
    | { readonly type: "boolean" }
    /** An empty value, as of an unset variable, is rejected unless `allowsEmpty`: it would weaken or empty a check. */
    | { readonly type: "text"; readonly default?: string; readonly allowsEmpty?: true }
    | { readonly type: "choice"; readonly choices: readonly string[]; readonly default?: string }
    /** A whole number, 0 or more unless `min` says otherwise. */
    | {
      readonly type: "integer";
      readonly default?: number;
      readonly min?: number;
      readonly max?: number;
      /** The number may be left out; the value is then `true`. */
      readonly optional?: true;
    }
    /** Text such as `2s`; the value is in milliseconds. One that no timer waits for may be as long as ten years. */
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

/** The type of one flag's value: a list where it repeats, `undefined` if it has no default. */
export type FlagValue<F extends FlagSpec> = F extends { repeat: true } ? Single<F>[]
  : F extends { type: "boolean" } | { default: string | number } ? Single<F>
  : Single<F> | undefined;

/** The values of a table of flags, by the same names. */
export type FlagValues<T extends FlagTable> = { readonly [K in keyof T]: FlagValue<T[K]> };

/** The flags of a table, all in one group. */
export function inGroup<const T extends FlagTable>(group: FlagGroup, flags: T): T {
  // The values keep their types: `group` is a property that every flag may have.
  return Object.fromEntries(Object.entries(flags).map(([name, spec]) => [name, { ...spec, group }])) as T;
}

/** `idleTimeout` as people type it: `idle-timeout`. */
export function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
