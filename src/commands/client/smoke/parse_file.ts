import { missingFor } from "../../../probe/applicable.ts";
import { resolveProbe } from "../../../probe/registry.ts";
import type { VariableSource } from "../../../script/file/variables.ts";
import { parseYamlFile, type YamlFile } from "../../../script/file/yaml_file.ts";
import { type SmokeFile, smokeSchema, type SmokeTest } from "./schema.ts";

/**
 * Parses and validates a smoke file.
 *
 * @param name Name of the file, for messages.
 * @param variables Variables of its stack.
 * @throws {UsageError} The file is invalid; the message has file, line, and path of the field.
 * @throws {PermissionError} A permission to read an environment variable is missing.
 */
export function parseSmokeFile(
  text: string,
  name: string,
  env: VariableSource["env"],
  variables: VariableSource["variables"] = new Map(),
): YamlFile<SmokeFile> {
  const file = parseYamlFile(text, name, { schema: smokeSchema, env, variables });
  for (const [index, test] of file.value.tests.entries()) {
    for (const [path, lacking] of idleKeys(test, file.value.defaults)) {
      throw file.mistake(["tests", index, ...path], `it needs an endpoint with ${lacking}`);
    }
  }
  return file;
}

/** Keys of a test that do not apply to its endpoint and would have no effect. */
function* idleKeys(
  { endpoint, check = {}, tls, subprotocols, steps }: SmokeTest,
  defaults: SmokeFile["defaults"] = {},
): Iterable<readonly [path: string[], needs: string]> {
  const { target } = resolveProbe(endpoint);
  const isTls = (tls ?? defaults.tls)?.starttls !== undefined;
  const missing = (option: string) => isTls && option.startsWith("min") ? undefined : missingFor(option, [target]);
  const withoutTls = tls && !isTls && missing("tlsCa");
  if (withoutTls) yield [["tls"], withoutTls];
  const withoutWebSocket = subprotocols && missing("subprotocol");
  if (withoutWebSocket) yield [["subprotocols"], withoutWebSocket];
  for (const key of Object.keys(check)) {
    const needs = missing(key.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()));
    if (needs !== undefined) yield [["check", key], needs];
  }
  if (steps !== undefined && target.endpoint === undefined) yield [["steps"], "a socket, such as tcp:// or ws://"];
}
