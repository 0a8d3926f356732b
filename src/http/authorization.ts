import { utf8 } from "../base/bytes.ts";

/** Parsed credentials of an `Authorization` or `Proxy-Authorization` field. */
type HttpCredentials =
  /** RFC 7617. */
  | { readonly user: string; readonly password: string }
  /** RFC 6750. */
  | { readonly token: string };

/** Parses the field; `undefined` if it is malformed or has another scheme. */
export function parseAuthorization(field: string | undefined): HttpCredentials | undefined {
  const [, scheme, value = ""] = /^(Basic|Bearer) +([A-Za-z0-9._~+/-]+=*)$/i.exec(field ?? "") ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return { token: value };
  const [, user, password = ""] = /^([^:]+):(.*)$/s.exec(decodeBase64(value)) ?? [];
  return user === undefined ? undefined : { user, password };
}

/** UTF-8, as RFC 7617 recommends; `""` if it cannot be decoded. */
function decodeBase64(text: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.fromBase64(text));
  } catch {
    return "";
  }
}

/** The value of an `Authorization` field (RFC 7617). */
export function basicCredentials(user: string, password: string): string {
  return `Basic ${utf8(`${user}:${password}`).toBase64()}`;
}
