import { UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
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
  const [, source, name = ""] = /^(env|file):(.+)$/s.exec(from) ?? [];
  // The value is not shown, because it may be the token itself.
  if (source === undefined) throw new UsageError("--bearer takes env:NAME or file:PATH, not the token itself");
  const text = source === "env" ? Deno.env.get(name) : await readNamedFile(name, "the token");
  if (text === undefined) throw new UsageError(`--bearer: the environment variable ${name} is not set`);
  const token = text.trim();
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw new UsageError(`--bearer: ${from} does not contain a bearer token`);
  return token;
}
