import { unescape } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup, kebabCase } from "../../base/flag_spec.ts";
import type { GivenFlag } from "../../cli/parse_flags.ts";
import { missingFor } from "../../probe/applicable.ts";
import type { CheckOptions } from "../../probe/check.ts";
import type { Credentials, ProbeTarget } from "../../probe/probe.ts";
import { HANDSHAKE_FLAGS, handshakeHeaders } from "./handshake_flags.ts";
import { readSecret } from "./read_secret.ts";
import { START_TLS_FLAGS, TLS_FLAGS, tlsConnectOptions } from "./tls_flags.ts";

/** Flags for expectations of a check. */
export const EXPECTATION_FLAGS = {
  send: { type: "text", placeholder: "DATA", help: "send DATA first (default over UDP: an empty line)" },
  banner: { type: "text", placeholder: "REGEX", help: "the first data from the server must match" },
  stableFor: { type: "duration", help: "must stay ready for TIME (default 50ms for streams)" },
  minDays: { type: "integer", help: "the certificate must be valid for N days" },
  minTls: { type: "choice", choices: ["1.2", "1.3"], help: "minimum TLS version" },
  subprotocol: { type: "text", repeat: true, placeholder: "NAME", help: "WebSocket subprotocol to negotiate" },
  ...inGroup("HTTP", {
    status: { type: "text", placeholder: "CODES", help: "HTTP status (default 200-399; for a WebSocket 101)" },
    method: { type: "text", placeholder: "METHOD", help: "HTTP method (default GET)" },
    ...HANDSHAKE_FLAGS,
    header: { ...HANDSHAKE_FLAGS.header, help: "send an HTTP header, also with a WebSocket handshake" },
    responseHeader: {
      type: "text",
      repeat: true,
      placeholder: "'NAME: TEXT'",
      help: "the HTTP response must have this header, containing TEXT",
    },
    body: { type: "text", placeholder: "TEXT", help: "the HTTP body, or the file, must contain TEXT" },
    bodyRegex: { type: "text", placeholder: "REGEX", help: "the HTTP body, or the file, must match" },
    bodyJson: { type: "text", placeholder: "PATH=VALUE", help: "a value in the JSON body, as in db[0].status=up" },
    maxRedirects: { type: "integer", max: 20, placeholder: "N", help: "follow up to N HTTP redirects (default 0)" },
  }),
  login: { type: "text", placeholder: "FROM", help: "log in with url, env:NAME or file:PATH (user:password)" },
  ...TLS_FLAGS,
  ...START_TLS_FLAGS,
} as const satisfies FlagTable;

/**
 * Options for `check()` from the flags; files are read here, once.
 *
 * @throws {UsageError} A flag's value is malformed.
 */
export async function expectationsOf(flags: FlagValues<typeof EXPECTATION_FLAGS>): Promise<CheckOptions> {
  return {
    send: flags.send === undefined ? undefined : unescape(flags.send),
    banner: regexOf("--banner", flags.banner),
    stableFor: flags.stableFor,
    minDays: flags.minDays,
    minTls: flags.minTls && `TLSv${flags.minTls}`,
    subprotocols: flags.subprotocol,
    status: flags.status,
    method: flags.method,
    headers: (await handshakeHeaders(flags)).map(([name, value]) => `${name}: ${value}`),
    responseHeaders: flags.responseHeader,
    body: flags.body,
    bodyRegex: regexOf("--body-regex", flags.bodyRegex),
    bodyJson: flags.bodyJson,
    maxRedirects: flags.maxRedirects,
    login: await loginOf(flags.login),
    ...await tlsConnectOptions(flags),
  };
}

/**
 * Rejects expectations that would not be checked.
 *
 * @throws {UsageError} A flag applies to none of the targets.
 */
export function rejectInapplicableFlags(given: readonly GivenFlag[], targets: readonly ProbeTarget[]): void {
  for (const { name } of given) {
    const missing = missingFor(name, targets);
    if (missing === undefined) continue;
    const found = targets.map(({ text }) => text).join(" ");
    throw new UsageError(`--${kebabCase(name)} needs an endpoint with ${missing}, not ${found}`);
  }
}

function regexOf(flag: string, text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, "m");
  } catch (error) {
    throw new UsageError(`${flag}: "${text}" is not a regular expression`, { cause: error });
  }
}

async function loginOf(from: string | undefined): Promise<Credentials | "url" | undefined> {
  if (from === undefined || from === "url") return from;
  const text = await readSecret("--login", from, {
    what: "the credentials",
    usage: "url, env:NAME or file:PATH, not the credentials themselves",
  });
  return credentialsOf(text.replace(/\r?\n$/, ""), from);
}

/** The text itself is never shown, because it holds credentials. */
function credentialsOf(text: string, from: string): Credentials {
  const token = /^Bearer (\S+)$/i.exec(text)?.[1];
  if (token !== undefined) return { user: "", password: token, token };
  const colon = text.indexOf(":");
  if (colon === -1) {
    throw new UsageError(
      `--login: ${from} contains neither user:password nor "Bearer TOKEN"; write a password alone as :password`,
    );
  }
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
