import { UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { readSecret } from "./read_secret.ts";
import { readsProxyVariables } from "./route_flags.ts";

/** Flags for header fields of a WebSocket handshake or an HTTP request. */
export const HANDSHAKE_FLAGS = {
  header: { type: "text", repeat: true, placeholder: "'NAME: VALUE'", help: "send a header with the handshake" },
  bearer: { type: "text", placeholder: "FROM", help: "send a bearer token, from env:NAME or file:PATH" },
  cookie: { type: "text", repeat: true, placeholder: "NAME=VALUE", help: "send a cookie" },
} as const satisfies FlagTable;

/** Whether environment variables are read; otherwise a command drops the permission first. */
export function readsVariables(flags: Readonly<Record<string, unknown>>): boolean {
  return readsProxyVariables(flags) || typeof flags.bearer === "string" && flags.bearer.startsWith("env:");
}

/**
 * The header fields from the flags.
 *
 * @throws {UsageError} A field is malformed, or the token is missing.
 */
export async function handshakeHeaders(
  { header, bearer, cookie }: FlagValues<typeof HANDSHAKE_FLAGS>,
): Promise<[name: string, value: string][]> {
  const headers = header.map((line): [string, string] => {
    const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new UsageError("--header: Cannot send a header that is not 'NAME: VALUE', as in 'X-Request-Id: 7'");
    }
    return [name, value];
  });
  // Not shown, because it may contain a secret.
  if (cookie.some((text) => !/^[^=;\s]+=[^;\s]*$/.test(text))) {
    throw new UsageError("--cookie: Cannot send a cookie that is not NAME=VALUE");
  }
  if (cookie.length > 0) headers.push(["Cookie", cookie.join("; ")]);
  if (bearer !== undefined) headers.push(["Authorization", `Bearer ${await tokenFrom(bearer)}`]);
  return headers;
}

async function tokenFrom(from: string): Promise<string> {
  const usage = "env:NAME or file:PATH, not the token itself";
  const token = (await readSecret("--bearer", from, { what: "the token", usage })).trim();
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw new UsageError(`--bearer: ${from} does not contain a bearer token`);
  return token;
}
