import { CORE_SCHEMA, load as loadYaml, mergeTag, YAMLException } from "js-yaml";
import * as z from "zod";
import { UsageError } from "../../base/errors.ts";
import { fieldOf, isRecord } from "../../base/json.ts";
import { didYouMean } from "../../base/suggest.ts";
import { fillVariables, type VariableSource } from "./variables.ts";
import { YamlLines } from "./yaml_lines.ts";

/** YAML 1.2 plus merge keys (`<<`) from YAML 1.1. */
const YAML_SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/** Maximum mistakes reported at once; more would hide the first. */
const MAX_MISTAKES = 3;

/** A path in a file, such as `["tests", 0, "steps"]`. */
export type YamlPath = readonly PropertyKey[];

/** The validated content of a file with its line numbers. */
export interface YamlFile<T> {
  readonly value: T;
  /** Position of a path, such as `smoke.yaml:12`. */
  locate(path: YamlPath): string;
  /** Creates the error for a mistake at a path. */
  mistake(path: YamlPath, message: string): UsageError;
}

/** Options of {@linkcode parseYamlFile}. */
interface YamlFileOptions<T> {
  readonly schema: z.ZodType<T>;
  /** Variables of the environment. */
  readonly env: VariableSource["env"];
  /**
   * Predefined variables.
   *
   * @default {none}
   */
  readonly variables?: VariableSource["variables"];
  /**
   * The part of the file to parse; variables of the whole file apply.
   *
   * @default {all of it}
   */
  readonly at?: YamlPath;
}

/**
 * Parses a YAML or JSON file, substitutes its `variables` and validates it with a schema.
 *
 * @param name Name of the file, for messages.
 * @throws {UsageError} The file is invalid; the message has file, line, and path of the field.
 * @throws {PermissionError} A permission to read an environment variable is missing.
 */
export function parseYamlFile<T>(
  text: string,
  name: string,
  { schema, env, variables: given = new Map(), at = [] }: YamlFileOptions<T>,
): YamlFile<T> {
  const whole = load(text, name);
  const raw = at.reduce<unknown>(fieldOf, whole);
  const lines = new YamlLines(text);
  const mistakeIn = (prefix: YamlPath) => (path: YamlPath, message: string) => {
    const full = [...prefix, ...path];
    const where = `${name}:${lines.lineOf(full)}`;
    return new UsageError(`${where}: ${full.length === 0 ? "" : `${formatPath(full)}: `}${message}`);
  };
  const mistake = mistakeIn(at);
  rejectUnknownKeys(raw, keysAt(schema, []), mistake);
  const variables = variablesOf(whole, { env, variables: given }, mistakeIn([]));
  const filled = fillVariables(raw, { env, variables }, mistake);
  const checked = schema.safeParse(filled);
  if (!checked.success) throw mistakesError(checked.error.issues, schema, mistake);
  const locate = (path: YamlPath) => `${name}:${lines.lineOf([...at, ...path])}`;
  return { value: checked.data, locate, mistake };
}

/** The keys that a schema allows at a path. */
export function keysAt(schema: z.ZodType, path: YamlPath): string[] {
  const found = schemasAt(schema, path).flatMap((at) => at instanceof z.ZodObject ? Object.keys(at.shape) : []);
  return [...new Set(found)];
}

/** The schemas that apply at a path; several for a union. */
function schemasAt(schema: z.core.$ZodType, path: YamlPath): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional) return schemasAt(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => schemasAt(option, path));
  const [first, ...rest] = path;
  if (first === undefined) return [schema];
  if (schema instanceof z.ZodArray) return typeof first === "number" ? schemasAt(schema.element, rest) : [];
  if (!(schema instanceof z.ZodObject)) return [];
  const next: z.core.$ZodType | undefined = schema.shape[String(first)];
  return next === undefined ? [] : schemasAt(next, rest);
}

/** Checked before alias expansion, which is slow for a file of another kind. */
function rejectUnknownKeys(raw: unknown, known: readonly string[], mistake: YamlFile<unknown>["mistake"]): void {
  if (!isRecord(raw)) return;
  const unknown = Object.keys(raw).find((key) => !known.includes(key));
  if (unknown !== undefined) throw mistake([unknown], unknownKeyText(unknown, known));
}

function load(text: string, name: string): unknown {
  try {
    return loadYaml(text, { schema: YAML_SCHEMA });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    throw new UsageError(`${name}:${(cause.mark?.line ?? 0) + 1}: ${cause.reason}`, { cause });
  }
}

/** The variables of the file, resolved on use, because a part may not need all. */
function variablesOf(
  raw: unknown,
  source: VariableSource,
  mistake: YamlFile<unknown>["mistake"],
): VariableSource["variables"] {
  const own = fieldOf(raw, "variables");
  return {
    get(name) {
      const value = fieldOf(own, name);
      if (typeof value !== "string") return source.variables.get(name);
      return String(fillVariables(value, source, mistake, ["variables", name]));
    },
  };
}

function mistakesError(
  found: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  mistake: YamlFile<unknown>["mistake"],
): UsageError {
  const issues = found.flatMap(innermost);
  // A mistake inside an object also makes the object's own rule fail.
  const reported = issues.filter(({ code, path }) =>
    code !== "custom" ||
    !issues.some((other) => isWithin(path, other.path) && (other.path.length > path.length || other.code !== "custom"))
  );
  // Misspelled keys first, because they may cause missing ones.
  const ordered = reported.toSorted((a, b) =>
    Number(b.code === "unrecognized_keys") - Number(a.code === "unrecognized_keys")
  );
  const texts = ordered.map((issue) => {
    const path = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
    return mistake(path, describe(issue, schema)).message;
  });
  const more = texts.length > MAX_MISTAKES ? `; and ${texts.length - MAX_MISTAKES} more` : "";
  return new UsageError(`${texts.slice(0, MAX_MISTAKES).join("; ")}${more}`);
}

function isWithin(outer: YamlPath, inner: YamlPath): boolean {
  return outer.every((part, index) => inner[index] === part);
}

/** For a union, the issues of the best-fitting alternative: the one whose first issue is deepest. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const choices = issue.errors.map((issues) =>
    issues.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] }))
  );
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(...issues.map(({ path, code }) => path.length + (code.startsWith("invalid_") ? 0 : 1)));
  return choices.toSorted((a, b) => depth(b) - depth(a))[0] ?? [issue];
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code === "unrecognized_keys") {
    return unknownKeyText(issue.keys[0] ?? "", keysAt(schema, issue.path));
  }
  if (issue.code === "invalid_type" && / received undefined$/.test(issue.message)) return "is missing";
  if (issue.code === "custom") return issue.message;
  return issue.message.replace(/^Invalid input: /, "").replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

function unknownKeyText(key: string, known: readonly string[]): string {
  return `unknown key; ${didYouMean(key, known, `known are ${known.join(", ")}`)}`;
}

/** `tests[0].steps[2].send`. */
function formatPath(path: YamlPath): string {
  return path.map((part, index) => typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`)
    .join("");
}
