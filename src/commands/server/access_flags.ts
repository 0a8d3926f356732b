import { DEFAULTS } from "../../base/defaults.ts";
import { messageOf, UsageError } from "../../base/errors.ts";
import { type FlagValues, inGroup } from "../../base/flag_spec.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import type { ReloadSignal } from "../../cli/reload_signal.ts";
import { AccessList, type AccessRules, parseAccessRules } from "../../guard/access_list.ts";
import type { Authenticator } from "../../guard/authenticator.ts";
import type { Gate } from "../../guard/gate.ts";
import { gatesOf } from "../../guard/gates.ts";
import { TokenList } from "../../guard/token_file.ts";
import { parseAuthorization } from "../../http/authorization.ts";
import { HttpError } from "../../http/head.ts";
import { isHostEndpoint, isWebSocket, parseEndpoint } from "../../net/endpoint.ts";
import type { WebSocketAcceptorOptions } from "../../websocket/acceptor.ts";
import { PasswordAuthenticator } from "../../guard/password_authenticator.ts";
import { parsePasswordFile } from "../../guard/password_file.ts";
import type { Logger } from "../../log/logger.ts";

/** Flags for limits per address. */
export const ADDRESS_LIMIT_FLAGS = inGroup("Limits", {
  maxPerIp: {
    type: "integer",
    min: 1,
    default: DEFAULTS.maxConnectionsPerAddress,
    help: "maximum clients per IP address or IPv6 /64 network; others are rejected",
  },
  connectRate: { type: "integer", min: 1, help: "maximum new connections per second and IP address" },
  limitLoopback: { type: "boolean", help: "apply the limits by address to loopback clients too" },
});

/** Access control flags. */
export const ACCESS_FLAGS = inGroup("Access", {
  allow: { type: "text", repeat: true, placeholder: "CIDR", help: "accept clients from this address range only" },
  deny: {
    type: "text",
    repeat: true,
    placeholder: "CIDR",
    help: "reject clients from this address range, even if allowed",
  },
  accessFile: {
    type: "text",
    placeholder: "FILE",
    help: 'more ranges in FILE, in lines "allow CIDR" and "deny CIDR"; SIGHUP reloads it',
  },
  auth: {
    type: "text",
    placeholder: "FILE",
    help: "require login with a name in FILE, created by hash-password; SIGHUP reloads it",
  },
  authTimeout: { type: "duration", help: "maximum time for the login, with --auth (default 10s)" },
});

type AccessFlags = FlagValues<typeof ACCESS_FLAGS>;
type RangeFlags = Pick<AccessFlags, "allow" | "deny" | "accessFile">;

/** The gates from the flags: the access list, then the limits by address. */
export async function gateOf(
  flags: RangeFlags & FlagValues<typeof ADDRESS_LIMIT_FLAGS>,
  { reload, log }: { reload: ReloadSignal; log: Logger },
): Promise<Gate> {
  let access: AccessList | undefined;
  if (flags.allow.length > 0 || flags.deny.length > 0 || flags.accessFile !== undefined) {
    const list = access = new AccessList(await rulesOf(flags, log));
    if (flags.accessFile !== undefined) {
      reloadAtHangup("address ranges", reload, log, async () => {
        list.replace(await rulesOf(flags, log));
        return { file: flags.accessFile };
      });
    }
  }
  const { connectRate, maxPerIp: maxPerAddress, limitLoopback: limitsLoopback } = flags;
  return gatesOf({ access, connectRate, maxPerAddress, limitsLoopback });
}

async function rulesOf({ allow, deny, accessFile }: RangeFlags, log: Logger): Promise<AccessRules> {
  if (accessFile === undefined) return { allow, deny };
  const rules = parseAccessRules(await readNamedFile(accessFile, "the ranges of --access-file"), accessFile);
  if (rules.allow.length + rules.deny.length === 0) {
    log.warning("the file of --access-file has no ranges: all addresses are allowed", { file: accessFile });
  }
  return { allow: [...allow, ...rules.allow], deny: [...deny, ...rules.deny] };
}

/** Replaces the contents of a file at SIGHUP, unless the file is invalid. Logs what `replace` returns. */
function reloadAtHangup(
  what: string,
  reload: ReloadSignal,
  log: Logger,
  replace: () => Promise<Record<string, unknown>>,
): void {
  reload.add(async () => {
    try {
      log.info(`${what} reloaded`, await replace());
    } catch (error) {
      log.error(`cannot reload the ${what}; keeping the old ones`, { error: messageOf(error) });
    }
  });
}

/**
 * The authenticator for the file of `--auth`; `undefined` without the flag.
 *
 * @throws {UsageError} The file cannot be read, or a line is invalid.
 * @throws {PermissionError} The sandbox does not allow reading it.
 */
export async function authenticatorOf(
  flags: AccessFlags,
  { reload, log }: { reload: ReloadSignal; log: Logger },
): Promise<Authenticator | undefined> {
  const path = flags.auth;
  if (path === undefined) {
    if (flags.authTimeout !== undefined) throw new UsageError("--auth-timeout requires --auth");
    return undefined;
  }
  const read = async () => {
    const entries = parsePasswordFile(await readNamedFile(path, "the names of --auth"), path);
    // Only a warning: an empty file may be filled later, and SIGHUP reloads it.
    if (entries.size === 0) log.warning("no one can log in: the file of --auth has no entry", { file: path });
    return entries;
  };
  const authenticator = new PasswordAuthenticator(await read());
  reloadAtHangup("names", reload, log, async () => {
    const entries = await read();
    authenticator.replace(entries);
    return { file: path, names: entries.size };
  });
  return authenticator;
}

/**
 * Checks the `Authorization` field of a WebSocket client: Basic credentials for `--auth`, or a bearer token of
 * `--token-file`. `undefined` if neither is given.
 *
 * @throws {UsageError} The file cannot be read, a line is invalid, or an endpoint would be unprotected.
 */
export async function authorizerOf(
  { tokenFile }: { readonly tokenFile: string | undefined },
  endpoints: readonly string[],
  { authenticator, reload, log }: { authenticator: Authenticator | undefined; reload: ReloadSignal; log: Logger },
): Promise<WebSocketAcceptorOptions["authorize"]> {
  if (tokenFile === undefined && authenticator === undefined) return undefined;
  const other = endpoints.find((endpoint) => !isWebSocket(parseEndpoint(endpoint)));
  if (tokenFile !== undefined && authenticator === undefined && other !== undefined) {
    throw new UsageError(`--token-file does not protect ${other}: bearer tokens are for ws and wss; add --auth`);
  }
  const read = async (path: string) =>
    await TokenList.parse(await readNamedFile(path, "the tokens of --token-file"), path);
  const tokens = tokenFile === undefined ? undefined : await read(tokenFile);
  if (tokens !== undefined && tokenFile !== undefined) {
    reloadAtHangup("tokens", reload, log, async () => {
      tokens.replace(await read(tokenFile));
      return { file: tokenFile, tokens: tokens.size };
    });
  }
  const challenge = authenticator === undefined ? "Bearer" : 'Basic realm="parley", charset="UTF-8"';
  return async (field, { remote, log }) => {
    // Without the field a client logs in with its first message, if possible.
    if (field === undefined && authenticator !== undefined) return undefined;
    const given = parseAuthorization(field);
    const address = isHostEndpoint(remote) ? remote.host : "unix";
    const identity = given === undefined
      ? undefined
      : "token" in given
      ? await tokens?.identityOf(given.token)
      : await authenticator?.verify(given.user, given.password, address);
    if (identity !== undefined) {
      log.info("logged in", { name: identity.name });
      return identity;
    }
    if (field !== undefined) {
      log.warning("log-in failed", { name: given && "user" in given ? given.user : undefined, address });
    }
    const problem = field === undefined ? "an Authorization field is required" : "invalid credentials";
    throw new HttpError(401, problem, { "WWW-Authenticate": challenge });
  };
}
