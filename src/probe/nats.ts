/**
 * NATS, client protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol).
 *
 * Ready: the server sends `INFO` and, unless it requires a login or TLS, `PONG` for a `PING`. Not ready: `-ERR` instead,
 * or lame-duck mode.
 *
 * @module
 */

import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire, type Wire } from "./wire.ts";

/** The fields of `INFO` that are used here. */
interface ServerInfo {
  readonly version?: unknown;
  readonly auth_required?: unknown;
  readonly ldm?: unknown;
  readonly tls_required?: unknown;
}

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, login } = context;
  await using wire = await openWire(context);
  const info = parseInfo(context, await wire.line());
  if (info.ldm === true) throw notReady(target, "lame duck mode");
  const version: Facts = typeof info.version === "string" ? { version: info.version } : {};
  // The server would close the connection over anything but a TLS handshake.
  if (info.tls_required === true) {
    if (login === undefined) return { ...version, tls: "required" };
    throw unexpected(target, "requires TLS, with which this check cannot log in");
  }
  if (info.auth_required === true && login === undefined) return { ...version, auth: "required" };
  const options = {
    verbose: false,
    pedantic: false,
    name: "parley",
    lang: "parley",
    version: "0",
    ...secrets(context),
  };
  await wire.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`);
  await pong(context, wire);
  return version;
}

function secrets({ login }: ProbeContext): object {
  if (login === undefined) return {};
  return login.token === undefined ? { user: login.user, pass: login.password } : { auth_token: login.token };
}

async function pong({ target }: ProbeContext, wire: Wire): Promise<void> {
  for (let lines = 0; lines < 10; lines++) {
    const line = await wire.line();
    if (line === "PONG") return;
    if (/^-ERR '?authorization/i.test(line)) throw unexpected(target, `rejected the login: ${line.slice(5)}`);
    if (line.startsWith("-ERR")) throw notReady(target, line.slice(5));
  }
  throw unexpected(target, "did not answer PING");
}

function parseInfo({ target }: ProbeContext, line: string): ServerInfo {
  if (line.startsWith("-ERR")) throw notReady(target, line.slice(5));
  try {
    const info: unknown = line.startsWith("INFO ") ? JSON.parse(line.slice(5)) : undefined;
    if (typeof info === "object" && info !== null) return info;
  } catch (error) {
    throw unexpected(target, "sent an INFO with invalid JSON", error);
  }
  throw unexpected(target, "does not speak the NATS protocol");
}
