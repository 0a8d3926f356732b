import { isRecord } from "../../base/json.ts";
import { badBody } from "./api_error.ts";

/** The fields of a JSON object, by the type that they must have. A field that is `null` counts as absent. */
export interface JsonObject {
  readonly fields: Readonly<Record<string, unknown>>;
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
  array(name: string): readonly unknown[] | undefined;
  object(name: string): JsonObject;
}

/**
 * Parses the body of a request.
 *
 * @throws {ApiError} 400.
 */
export function parseBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw badBody(new SyntaxError("EOF"));
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw badBody(error);
  }
}

/**
 * The value as an object.
 *
 * @throws {ApiError} 400.
 */
export function objectIn(value: unknown, what = "the body"): JsonObject {
  if (!isRecord(value)) throw badBody(new SyntaxError(`${what} must be an object`));
  const fields = value;

  function get<T>(name: string, isRight: (value: unknown) => value is T, type: string): T | undefined {
    const field = fields[name] ?? undefined;
    if (field === undefined || isRight(field)) return field;
    throw badBody(new SyntaxError(`${name} must be ${type}`));
  }

  return {
    fields,
    text: (name) => get(name, (field) => typeof field === "string", "a string"),
    number: (name) => get(name, (field) => typeof field === "number", "a number"),
    boolean: (name) => get(name, (field) => typeof field === "boolean", "a boolean"),
    array: (name) => get(name, (field) => Array.isArray(field), "an array"),
    object: (name) => objectIn(fields[name] ?? {}, name),
  };
}
