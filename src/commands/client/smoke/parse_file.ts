import { CORE_SCHEMA, load as loadYaml, mergeTag, YAMLException } from "js-yaml";
import type { z } from "zod";
import { UsageError } from "../../../base/errors.ts";
import { suggest } from "../../../base/suggest.ts";
import { idleKeys } from "./idle_keys.ts";
import { keysAt, type SmokeFile, smokeSchema } from "./schema.ts";
import { fillVariables, type VariableSource } from "./variables.ts";
import { YamlLines } from "./yaml_lines.ts";

/** YAML 1.2, and merge keys (`<<`), which its version 1.1 had. */
const YAML_SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/** Mistakes that are told at once; more would hide the first. */
const MOST_MISTAKES = 3;

/** A smoke file, and where in it things stand. */
export interface ParsedSmokeFile {
  readonly file: SmokeFile;
  /** `smoke.yaml:12`, of a place such as `["tests", 0]`. */
  locate(path: readonly PropertyKey[]): string;
}

/**
 * Parses a smoke file, YAML or JSON (which is YAML), fills its variables in and
 * checks all of it.
 *
 * @param name Of the file, for messages.
 * @throws {UsageError} Says where the mistake is: file, line, and path of the field.
 * @throws {PermissionError} A variable of the environment may not be read.
 */
export function parseSmokeFile(text: string, name: string, env: VariableSource["env"]): ParsedSmokeFile {
  const raw = load(text, name);
  const lines = new YamlLines(text);
  const locate = (path: readonly PropertyKey[]) => `${name}:${lines.lineOf(path)}`;
  const mistake = (path: readonly PropertyKey[], message: string) =>
    new UsageError(`${locate(path)}: ${path.length === 0 ? "" : `${formatPath(path)}: `}${message}`);
  refuseUnknownKeys(raw, mistake);
  const filled = fillVariables(raw, { env, variables: variablesOf(raw, env, mistake) }, mistake);
  const checked = smokeSchema.safeParse(filled);
  if (!checked.success) throw mistakesError(checked.error.issues, mistake);
  refuseIdleKeys(checked.data, mistake);
  return { file: checked.data, locate };
}

/** Before aliases are expanded, which takes long in a file that is something else. */
function refuseUnknownKeys(raw: unknown, mistake: (path: readonly PropertyKey[], message: string) => Error): void {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return;
  const known = keysAt([]);
  const unknown = Object.keys(raw).find((key) => !known.includes(key));
  if (unknown !== undefined) throw mistake([unknown], unknownKeyText(unknown, known));
}

function refuseIdleKeys(
  { tests, defaults }: SmokeFile,
  mistake: (path: readonly PropertyKey[], message: string) => Error,
): void {
  for (const [index, test] of tests.entries()) {
    for (const [path, lacking] of idleKeys(test, defaults)) {
      throw mistake(["tests", index, ...path], `it needs an endpoint with ${lacking}`);
    }
  }
}

function load(text: string, name: string): unknown {
  try {
    return loadYaml(text, { schema: YAML_SCHEMA });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    throw new UsageError(`${name}:${(cause.mark?.line ?? 0) + 1}: ${cause.reason}`, { cause });
  }
}

/** The variables of the file, in which those of the environment are filled in. */
function variablesOf(
  raw: unknown,
  env: VariableSource["env"],
  mistake: (path: readonly PropertyKey[], message: string) => Error,
): ReadonlyMap<string, string> {
  if (typeof raw !== "object" || raw === null || !("variables" in raw)) return new Map();
  refuseUnknownKeys(raw, mistake);
  const filled = fillVariables(raw.variables, { env, variables: new Map() }, mistake, ["variables"]);
  const entries = typeof filled === "object" && filled !== null ? Object.entries(filled) : [];
  return new Map(entries.flatMap(([name, value]) => typeof value === "string" ? [[name, value]] : []));
}

function mistakesError(
  issues: readonly z.core.$ZodIssue[],
  mistake: (path: readonly PropertyKey[], message: string) => Error,
): UsageError {
  // An unknown key is why the rule of its object does not hold either.
  const misspelt = new Set(
    issues.filter(({ code }) => code === "unrecognized_keys").map(({ path }) => formatPath(path)),
  );
  const told = issues.filter(({ code, path }) => code !== "custom" || !misspelt.has(formatPath(path)));
  // First what is misspelt: it may be what is told to be missing.
  const ordered = told.toSorted((a, b) =>
    Number(b.code === "unrecognized_keys") - Number(a.code === "unrecognized_keys")
  );
  const texts = ordered.map((issue) => {
    const path = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
    return mistake(path, describe(issue)).message;
  });
  const more = texts.length > MOST_MISTAKES ? `; and ${texts.length - MOST_MISTAKES} more` : "";
  return new UsageError(`${texts.slice(0, MOST_MISTAKES).join("; ")}${more}`);
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return unknownKeyText(issue.keys[0] ?? "", keysAt(issue.path));
  }
  if (issue.code === "invalid_type" && / received undefined$/.test(issue.message)) return "is missing";
  if (issue.code === "custom") return issue.message;
  return issue.message.replace(/^Invalid input: /, "").replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

function unknownKeyText(key: string, known: readonly string[]): string {
  const near = suggest(key, known);
  return `there is no such key; ${near === undefined ? `known are ${known.join(", ")}` : `did you mean ${near}?`}`;
}

/** `tests[0].steps[2].send`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.map((part, index) => typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`)
    .join("");
}
