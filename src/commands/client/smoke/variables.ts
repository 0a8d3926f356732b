import { messageOf, missingPermission, PermissionError } from "../../../base/errors.ts";

/** Where the values of variables come from. */
export interface VariableSource {
  /** A variable of the environment. */
  readonly env: (name: string) => string | undefined;
  /** Variables of the file. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Levels of a file; what it may say has no more than six. */
const MOST_LEVELS = 16;

/** Keys whose text is read for escapes after variables have been put in. */
const ESCAPED_KEYS: ReadonlySet<PropertyKey> = new Set(["send", "expect"]);

/**
 * The value with `${env.NAME}`, `${env.NAME:-fallback}` and `${name}` filled in
 * wherever it holds text; `$$` stands for `$`.
 *
 * @param fail Makes the error for a place, as in `["tests", 0, "endpoint"]`.
 */
export function fillVariables(
  value: unknown,
  source: VariableSource,
  fail: (path: readonly PropertyKey[], message: string) => Error,
  path: readonly PropertyKey[] = [],
): unknown {
  // An alias can lie inside what it stands for: then there is no end to it.
  if (path.length > MOST_LEVELS) throw fail(path.slice(0, 2), `it is nested more than ${MOST_LEVELS} levels deep`);
  if (typeof value === "string") {
    const isEscaped = ESCAPED_KEYS.has(path.at(-1) ?? "");
    return value.replaceAll(/\$\$|\$\{([^}]*)\}/g, (whole, expression: string | undefined) => {
      if (whole === "$$") return "$";
      const found = lookUp(expression ?? "", source, (message) => fail(path, message));
      // What a variable holds is never read as an escape.
      return isEscaped ? found.replaceAll("\\", "\\\\") : found;
    });
  }
  if (Array.isArray(value)) return value.map((item, index) => fillVariables(item, source, fail, [...path, index]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillVariables(item, source, fail, [...path, key])]),
  );
}

/**
 * A variable of the environment.
 *
 * @throws {PermissionError} The sandbox forbids it; the message names the permission.
 */
export function readEnvironment(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (cause) {
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
    env === undefined ? `the file has no variable "${name}"` : `the variable ${name} of the environment is not set`,
  );
}
