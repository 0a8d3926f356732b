import { missingFor } from "../../../probe/applicable.ts";
import { resolveProbe } from "../../../probe/registry.ts";
import type { SmokeFile, SmokeTest } from "./schema.ts";

/** Keys of a test that do not apply to its endpoint: nothing would ever look at them. */
export function* idleKeys(
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
