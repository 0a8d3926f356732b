/**
 * MySQL and MariaDB, client/server protocol
 * (https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html,
 * "Connection Phase": HandshakeV10, SSLRequest, HandshakeResponse41,
 * AuthSwitchRequest, caching_sha2_password).
 *
 * Ready: the server sends its handshake and answers a login, which it may reject. Not ready: too many connections, host
 * blocked, shutting down.
 *
 * @module
 */

import { bigEndian, concat, latin1, littleEndian, NO_BYTES, utf8, viewOf } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import type { Transport } from "../net/transport.ts";
import { writeAll } from "../net/write_all.ts";
import { type Credentials, type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { cString, openWire, prefixed, type Wire } from "./wire.ts";

const CONNECT_WITH_DB = 0x8;
const PROTOCOL_41 = 0x200;
const SSL = 0x800;
const SECURE_CONNECTION = 0x8000;
const PLUGIN_AUTH = 0x80000;
const MAX_PACKET_BYTES = 1 << 24;
const UTF8MB4 = 45;

const OK = 0x00;
const MORE_DATA = 0x01;
const SWITCH = 0xfe;
const ERROR = 0xff;
const QUIT = 0x01;
/** Second bytes of MORE_DATA of caching_sha2_password. */
const FAST_SUCCESS = 0x03;
const FULL_AUTHENTICATION = 0x04;

/** Error codes: too many connections, shutting down, host blocked, no thread left, too many connections of the user. */
const NOT_READY = [1040, 1053, 1129, 1135, 1203];

/**
 * Without credentials the login is completed as well: a client that leaves before counts as a connection error, and
 * after `max_connect_errors` of them in a row, 100 by default, the server blocks all clients of the host. A rejected
 * login does not count. The name is one that no account has, since accounts can be locked by failed logins.
 */
const STRANGER: Credentials = { user: "parley-check", password: "" };

interface Greeting {
  readonly version: string;
  readonly challenge: Uint8Array;
  readonly plugin: string;
  readonly hasTls: boolean;
}

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  const mode = target.query.get("sslmode") ?? target.query.get("ssl-mode")?.toLowerCase() ?? "disable";
  const isTls = mode !== "disable" && mode !== "disabled";
  if (isTls && !/^(?:required?|verify[-_](?:ca|full|identity))$/.test(mode)) {
    throw new UsageError(`Cannot use sslmode "${mode}": known modes are disable, require, verify-ca, verify-full`);
  }
  let greeting: Greeting | undefined;
  await using wire = await openWire(
    context,
    !isTls ? {} : {
      isTls,
      tls: {
        ...(mode.startsWith("require") ? { insecure: true } : {}),
        startTls: async (transport) => {
          greeting = parseGreeting(context, (await readPacket(rawReader(transport))).body);
          if (!greeting.hasTls) throw unexpected(target, "does not offer TLS");
          const request = concat([littleEndian(capabilities(context, true), 4), ...responseHead()]);
          await writeAll(transport, packet(1, request));
        },
      },
    },
  );
  const reader = (count: number) => wire.exactly(count);
  greeting ??= parseGreeting(context, (await readPacket(reader)).body);
  await logIn(context, wire, greeting, isTls);
  return { version: greeting.version, auth: greeting.plugin };
}

function parseGreeting(context: ProbeContext, body: Uint8Array): Greeting {
  const { target } = context;
  if (body[0] === ERROR) throw notReady(target, errorOf(body));
  if (body[0] !== 10) throw unexpected(target, "does not speak the MySQL protocol");
  const nameEnd = body.indexOf(0, 1);
  const fixed = body.subarray(nameEnd + 1);
  if (nameEnd === -1 || fixed.length < 31) throw unexpected(target, "sent a handshake that is too short");
  const view = viewOf(fixed);
  const capabilityBits = view.getUint16(13, true) | view.getUint16(18, true) << 16;
  const secondLength = Math.max(13, (fixed[20] ?? 0) - 8);
  const second = fixed.subarray(31, 31 + secondLength);
  return {
    // MariaDB prefixes its version with one that old replication clients accept.
    version: latin1(body.subarray(1, nameEnd)).replace(/^5\.5\.5-(?=\d)/, ""),
    // The second part ends with a zero byte that is not part of the challenge.
    challenge: concat([fixed.subarray(4, 12), second.subarray(0, 12)]),
    plugin: latin1(fixed.subarray(31 + secondLength)).split("\0")[0] || "mysql_native_password",
    hasTls: (capabilityBits & SSL) !== 0,
  };
}

async function logIn(context: ProbeContext, wire: Wire, greeting: Greeting, isTls: boolean): Promise<void> {
  const { target, login = STRANGER } = context;
  const database = target.name;
  const first = await scramble(context, greeting.plugin, login.password, greeting.challenge);
  let sequence = isTls ? 2 : 1;
  await wire.write(packet(
    sequence,
    concat([
      littleEndian(capabilities(context, isTls), 4),
      ...responseHead(),
      cString(login.user),
      prefixed(first, 1),
      ...(database === "" ? [] : [cString(database)]),
      cString(greeting.plugin),
    ]),
  ));
  for (let rounds = 0; rounds < 10; rounds++) {
    const reply = await readPacket((count) => wire.exactly(count));
    sequence = reply.sequence + 1;
    const { body } = reply;
    if (body[0] === OK) return await wire.write(packet(0, Uint8Array.of(QUIT)));
    if (body[0] === ERROR) {
      if (NOT_READY.includes(errorCodeOf(body))) throw notReady(target, errorOf(body));
      if (login === STRANGER) return;
      throw unexpected(target, `rejected the login: ${errorOf(body)}`);
    }
    if (body[0] === SWITCH) {
      const [plugin = "", ...rest] = latin1(body.subarray(1)).split("\0");
      const challenge = Uint8Array.from(rest.join("\0").slice(0, 20), (character) => character.charCodeAt(0));
      await wire.write(packet(sequence, await scramble(context, plugin, login.password, challenge)));
    } else if (body[0] === MORE_DATA && body[1] === FULL_AUTHENTICATION) {
      if (!isTls && login.password !== "") {
        throw unexpected(
          target,
          "requires the password in clear text, which is sent only over TLS; add ?sslmode=require",
        );
      }
      await wire.write(packet(sequence, cString(login.password)));
    } else if (!(body[0] === MORE_DATA && body[1] === FAST_SUCCESS)) {
      if (login === STRANGER) return;
      throw unexpected(target, "sent an unknown authentication packet");
    }
  }
  throw unexpected(target, "did not complete the login");
}

async function scramble(
  { target }: ProbeContext,
  plugin: string,
  password: string,
  challenge: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  if (password === "") return NO_BYTES;
  const { createHash } = await import("node:crypto");
  const hash = (algorithm: string, ...parts: Uint8Array[]) =>
    parts.reduce((state, part) => state.update(part), createHash(algorithm)).digest();
  const xor = (a: Uint8Array, b: Uint8Array) => Uint8Array.from(a, (byte, index) => byte ^ (b[index] ?? 0));
  const bytes = utf8(password);
  switch (plugin) {
    // SHA1(password) XOR SHA1(challenge + SHA1(SHA1(password))).
    case "mysql_native_password": {
      const once = hash("sha1", bytes);
      return xor(once, hash("sha1", challenge, hash("sha1", once)));
    }
    // SHA256(password) XOR SHA256(SHA256(SHA256(password)) + challenge).
    case "caching_sha2_password": {
      const once = hash("sha256", bytes);
      return xor(once, hash("sha256", hash("sha256", once), challenge));
    }
    default:
      throw unexpected(target, `requires an unsupported authentication plugin (${plugin})`);
  }
}

function capabilities(context: ProbeContext, isTls: boolean): number {
  const database = context.target.name === "" ? 0 : CONNECT_WITH_DB;
  return PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | database | (isTls ? SSL : 0);
}

/** The fields that SSLRequest and HandshakeResponse41 share after the capabilities. */
function responseHead(): Uint8Array<ArrayBuffer>[] {
  return [littleEndian(MAX_PACKET_BYTES, 4), Uint8Array.of(UTF8MB4), new Uint8Array(23)];
}

function packet(sequence: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([littleEndian(body.length, 3), bigEndian(sequence, 1), body]);
}

async function readPacket(
  exactly: (count: number) => Promise<Uint8Array>,
): Promise<{ sequence: number; body: Uint8Array }> {
  const head = await exactly(4);
  const length = (head[0] ?? 0) | (head[1] ?? 0) << 8 | (head[2] ?? 0) << 16;
  return { sequence: head[3] ?? 0, body: await exactly(length) };
}

/** ERR_Packet: code, then with protocol 4.1 `#` and an SQLSTATE, then the message. */
function errorOf(body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(3)).replace(/^#.{5}/, "");
  return `${text} (error ${errorCodeOf(body)})`;
}

function errorCodeOf(body: Uint8Array): number {
  return body.length < 3 ? 0 : viewOf(body).getUint16(1, true);
}

/** Reads exact byte counts before TLS, while there is no connection yet. */
function rawReader(transport: Transport): (count: number) => Promise<Uint8Array> {
  return async (count) => {
    const bytes = new Uint8Array(Math.min(count, 64 * 1024));
    for (let at = 0; at < bytes.length;) {
      const read = await transport.read(bytes.subarray(at));
      if (read === null) throw new Deno.errors.UnexpectedEof("closed during the handshake");
      at += read;
    }
    return bytes;
  };
}
