/**
 * PostgreSQL, frontend/backend protocol 3.0
 * (https://www.postgresql.org/docs/current/protocol-flow.html, "Start-up" and
 * "SASL Authentication"; message formats in protocol-message-formats).
 *
 * Ready: the server requests authentication, or rejects the credentials. Not ready: SQLSTATE class 57P (starting up,
 * shutting down) or 53 (out of resources, for example too many clients).
 *
 * @module
 */

import { bigEndian, concat, latin1, utf8, viewOf } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import type { TlsClientOptions } from "../net/layers/tls_client.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { ScramClient } from "./scram.ts";
import { cString, openWire, type Wire } from "./wire.ts";

const PROTOCOL_3_0 = 196_608;
/** Kinds of authentication messages. */
const AUTH: Readonly<Record<number, string>> = {
  0: "trust",
  2: "kerberos",
  3: "password",
  5: "md5",
  7: "gss",
  9: "sspi",
  10: "sasl",
};
const MAX_MESSAGES = 100;

/** libpq's `sslmode` values (libpq, "SSL Support"). */
const SSL_MODES: Readonly<Record<string, TlsClientOptions | undefined>> = {
  disable: undefined,
  require: { insecure: true },
  "verify-ca": {},
  "verify-full": {},
};

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, login } = context;
  await using wire = await open(context);
  const user = (login?.user ?? target.user) || "postgres";
  const database = target.name || user;
  const startup = concat([
    bigEndian(PROTOCOL_3_0, 4),
    ...[cString("user"), cString(user), cString("database"), cString(database)],
    ...[cString("application_name"), cString("parley"), Uint8Array.of(0)],
  ]);
  await wire.write(bigEndian(startup.length + 4, 4), startup);
  return await new Conversation(context, wire, user).run();
}

async function open(context: ProbeContext): Promise<Wire> {
  const { query } = context.target;
  const mode = query.get("sslmode") ?? (context.connect.tls?.ca === undefined ? "disable" : "verify-full");
  if (!Object.hasOwn(SSL_MODES, mode)) {
    const known = Object.keys(SSL_MODES).join(", ");
    throw new UsageError(`Cannot use sslmode "${mode}": known modes are ${known}`);
  }
  const host = query.get("host") ?? "";
  if (host.startsWith("/")) return await openWire(context, { socket: `${host}/.s.PGSQL.${context.target.port}` });
  const tls = SSL_MODES[mode];
  return await openWire(context, tls && { isTls: true, tls: { ...tls, startTls: "postgres" } });
}

class Conversation {
  readonly #context: ProbeContext;
  readonly #wire: Wire;
  readonly #user: string;
  #scram: ScramClient | undefined;
  readonly #facts: Record<string, string> = {};

  constructor(context: ProbeContext, wire: Wire, user: string) {
    this.#context = context;
    this.#wire = wire;
    this.#user = user;
  }

  async run(): Promise<Facts> {
    for (let count = 0; count < MAX_MESSAGES; count++) {
      const { type, body } = await this.#receive();
      if (type === "E") return this.#judgeError(errorFields(body));
      if (type === "S") this.#noteParameter(body);
      if (type === "R" && await this.#authenticate(body)) return this.#facts;
      if (type === "Z") {
        await this.#wire.write("X", bigEndian(4, 4));
        return this.#facts;
      }
    }
    throw unexpected(this.#context.target, "did not send ReadyForQuery");
  }

  async #receive(): Promise<{ type: string; body: Uint8Array }> {
    const head = await this.#wire.exactly(5);
    const type = latin1(head.subarray(0, 1));
    const length = viewOf(head).getUint32(1);
    if (!/^[A-Za-z]$/.test(type) || length < 4) {
      throw unexpected(this.#context.target, "does not speak the PostgreSQL protocol");
    }
    return { type, body: await this.#wire.exactly(length - 4) };
  }

  /** Answers an authentication request; returns `true` once the probe is complete. */
  async #authenticate(body: Uint8Array): Promise<boolean> {
    const kind = body.length < 4 ? -1 : viewOf(body).getUint32(0);
    if (AUTH[kind] !== undefined && this.#facts["auth"] === undefined) this.#facts["auth"] = AUTH[kind];
    const rest = body.subarray(4);
    const { login, target } = this.#context;
    if (kind === 0) return false;
    if (login === undefined) return true;
    switch (kind) {
      case 3:
        await this.#sendPassword(cString(login.password));
        return false;
      case 5:
        await this.#sendPassword(cString(await md5Password(this.#user, login.password, rest)));
        return false;
      case 10: {
        if (!latin1(rest).split("\0").includes("SCRAM-SHA-256")) {
          throw unexpected(target, "offers no supported SASL mechanism (SCRAM-SHA-256)");
        }
        this.#scram = new ScramClient("", login.password);
        const first = utf8(this.#scram.first());
        await this.#sendPassword(concat([cString("SCRAM-SHA-256"), bigEndian(first.length, 4), first]));
        return false;
      }
      case 11:
        await this.#sendPassword(utf8(await this.#scramOf().final(latin1(rest))));
        return false;
      case 12:
        this.#scramOf().verify(latin1(rest));
        return false;
      default:
        throw unexpected(target, `requires an unsupported authentication method (${AUTH[kind] ?? kind})`);
    }
  }

  #scramOf(): ScramClient {
    if (this.#scram === undefined) {
      throw unexpected(this.#context.target, "continued a SASL exchange that was not started");
    }
    return this.#scram;
  }

  async #sendPassword(body: Uint8Array): Promise<void> {
    await this.#wire.write("p", bigEndian(body.length + 4, 4), body);
  }

  #noteParameter(body: Uint8Array): void {
    const [name, value] = latin1(body).split("\0");
    if (name === "server_version" && value !== undefined) this.#facts["version"] = value;
  }

  #judgeError({ code, message }: { code: string; message: string }): Facts {
    const { target, login } = this.#context;
    if (code.startsWith("57P") || code.startsWith("53")) throw notReady(target, message);
    if (login !== undefined) throw unexpected(target, `rejected the login: ${message}`);
    // 08P01 and 0A000: the server does not accept the protocol of the startup message.
    if (code.startsWith("08") || code.startsWith("0A")) throw unexpected(target, `answered: ${message}`);
    return { ...this.#facts, refused: message };
  }
}

/** Fields of ErrorResponse: a letter, then zero-terminated text. */
function errorFields(body: Uint8Array): { code: string; message: string } {
  const fields = new TextDecoder().decode(body).split("\0");
  const field = (letter: string) => fields.find((text) => text.startsWith(letter))?.slice(1) ?? "";
  return { code: field("C"), message: field("M") || "error without a message" };
}

/** `"md5" + hex(md5(hex(md5(password + user)) + salt))`. */
async function md5Password(user: string, password: string, salt: Uint8Array): Promise<string> {
  const { createHash } = await import("node:crypto");
  const inner = createHash("md5").update(`${password}${user}`).digest("hex");
  return `md5${createHash("md5").update(inner).update(salt).digest("hex")}`;
}
