import { messageOf, missingPermission, PermissionError, UsageError } from "../../base/errors.ts";
import { escapeRegex } from "../payload.ts";

/** Sources of variables. */
export interface VariableSource {
  /** A variable of the environment. */
  readonly env: (name: string) => string | undefined;
  /** Variables of the file. */
  readonly variables: Pick<ReadonlyMap<string, string>, "get">;
}

/** Maximum nesting; valid files need no more than six levels. */
const MAX_LEVELS = 16;

/** Maximum values of a file after alias expansion, because a few nested aliases can expand to billions. */
const MAX_VALUES = 100_000;

/** Escapes a variable's value by key, so that it is always literal. */
const LITERALS: ReadonlyMap<PropertyKey | undefined, (text: string) => string> = new Map([
  ["send", escapeTemplate],
  ["reply", escapeTemplate],
  ["expect", escapeTemplate],
  ["text", escapeTemplate],
  ["regex", escapeRegex],
  ["expect-regex", escapeRegex],
  ["banner", escapeRegex],
  ["body-regex", escapeRegex],
]);

/** For a text with escapes and placeholders for captured groups. */
function escapeTemplate(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("{", "\\x7b");
}

/**
 * The value with `${env.NAME}`, `${env.NAME:-fallback}` and `${name}` substituted in all texts; `$$` stands for `$`. A
 * variable's value is literal: never an escape, a placeholder or part of a pattern.
 *
 * @param fail Creates the error for a path such as `["tests", 0, "endpoint"]`.
 */
export function fillVariables(
  value: unknown,
  source: VariableSource,
  fail: (path: readonly PropertyKey[], message: string) => Error,
  path: readonly PropertyKey[] = [],
): unknown {
  let left = MAX_VALUES;
  const fill = (value: unknown, path: readonly PropertyKey[]): unknown => {
    if (--left < 0) throw fail(path.slice(0, 2), `the file has more than ${MAX_VALUES} values, counting aliases`);
    // An alias can refer to an ancestor, which would recurse without end.
    if (path.length > MAX_LEVELS) throw fail(path.slice(0, 2), `it is nested more than ${MAX_LEVELS} levels deep`);
    if (typeof value === "string") {
      const literal = LITERALS.get(path.at(-1));
      return value.replaceAll(/\$\$|\$\{([^}]*)\}/g, (whole, expression: string | undefined) => {
        if (whole === "$$") return "$";
        const found = lookUp(expression ?? "", source, (message) => fail(path, message));
        return literal === undefined ? found : literal(found);
      });
    }
    if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, [...path, key])]));
  };
  return fill(value, path);
}

/**
 * A variable of the environment.
 *
 * @throws {PermissionError} A permission is missing; the message names it.
 */
export function readEnvironment(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (cause) {
    if (cause instanceof Deno.errors.InvalidData) {
      throw new UsageError(`Cannot read the variable ${name}: invalid UTF-8`, { cause });
    }
    if (!(cause instanceof Deno.errors.NotCapable)) throw new Error(messageOf(cause), { cause });
    throw new PermissionError(`Cannot read the variable ${name}: ${missingPermission(`--allow-env=${name}`)}`, {
      cause,
    });
  }
}

function lookUp(expression: string, source: VariableSource, fail: (message: string) => Error): string {
  const match = /^(env\.)?([A-Za-z_]\w*)(?::-(.*))?$/s.exec(expression);
  if (match === null) {
    throw fail(`Cannot read "\${${expression}}": it takes \${name}, \${env.NAME} or \${env.NAME:-fallback}`);
  }
  const [, env, name = "", fallback] = match;
  const found = env === undefined ? source.variables.get(name) : source.env(name);
  if (found !== undefined) return found;
  if (fallback !== undefined) return fallback;
  throw fail(
    env === undefined ? `the file has no variable "${name}"` : `the environment variable ${name} is not set`,
  );
}
