/**
 * A connection that probes read by exact byte counts and by lines, under one deadline; strings of wire formats.
 *
 * @module
 */

import { bigEndian, concat, latin1, preview, toBytes, utf8 } from "../base/bytes.ts";
import { ClosedEarlyError, ParleyError, UsageError } from "../base/errors.ts";
import { parseDuration } from "../base/units.ts";
import { connect } from "../factory.ts";
import type { ConnectOptions } from "../net/options.ts";
import type { Connection } from "../net/connection.ts";
import type { Deadline } from "../net/deadline.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { readExactly } from "../net/read_exactly.ts";
import type { TlsClientOptions } from "../net/layers/tls_client.ts";
import { type Facts, type ProbeContext, type ProbeTarget, unexpected } from "./probe.ts";
import { daysLeft } from "../net/tls_certificate.ts";
import type { TlsFacts } from "../net/tls_facts.ts";

/** No reply to a probe is longer; a longer one is of another protocol. */
const MAX_REPLY_BYTES = 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024;

/** Header lines that contain a password or a token. */
export const SECRET_HEADER = /^(?:(?:proxy-)?authorization|cookie|[\w-]*(?:token|secret|api-?key)[\w-]*):/i;

/** Options of {@linkcode openWire}. */
interface WireOptions {
  /** Path of a Unix socket to connect to instead. */
  readonly socket?: string | undefined;
  /** Overrides the scheme. */
  readonly isTls?: boolean;
  /** TLS settings that override those of the command line. */
  readonly tls?: TlsClientOptions;
}

export async function openWire(context: ProbeContext, options: WireOptions = {}): Promise<Wire> {
  const { target, deadline } = context;
  const socket = options.socket ?? (target.query.get("socket") || undefined);
  const isTls = options.isTls ?? target.isTls;
  if (socket !== undefined && isTls) throw new UsageError(`Cannot check "${target.text}": a Unix socket has no TLS`);
  const tls = { ...context.connect.tls, ...options.tls };
  const endpoint: Endpoint = target.endpoint ??
    (socket === undefined
      ? { scheme: isTls ? "tls" : "tcp", host: target.host, port: target.port, path: "/" }
      : { scheme: "unix", path: socket });
  const connection = await connect(endpoint, {
    ...boundedConnect(context.connect, deadline),
    tls,
    isTraced: !holdsSecrets(context),
  });
  try {
    if (connection.tls !== undefined) context.onTls?.(assertTls(connection.tls, context, tls.alpn));
  } catch (error) {
    connection.close();
    throw error;
  }
  return new Wire(connection, deadline, target);
}

/** Whether a trace of the connection would show a password or a token. */
function holdsSecrets({ login, target: { endpoint }, expected: { headers = [] } }: ProbeContext): boolean {
  const hasCredentials = endpoint !== undefined && "credentials" in endpoint && endpoint.credentials !== undefined;
  return login !== undefined || hasCredentials || headers.some((line) => SECRET_HEADER.test(line));
}

/** Options for `connect()` that limit each step to the remaining time of the probe. */
export function boundedConnect(options: ProbeContext["connect"], deadline: Deadline): ConnectOptions {
  const { timeout, signal } = deadline.wait();
  const handshakeMs = parseDuration(options.handshakeTimeout ?? timeout);
  return {
    ...options,
    context: "check",
    connectTimeout: timeout,
    resolveTimeout: timeout,
    handshakeTimeout: Math.min(timeout, handshakeMs),
    ...(signal ? { signal } : {}),
  };
}

export class Wire implements AsyncDisposable {
  readonly connection: Connection;
  readonly #deadline: Deadline;
  readonly #target: ProbeTarget;
  /** The last line that was received, for messages. */
  #lastLine: string | undefined;

  constructor(connection: Connection, deadline: Deadline, target: ProbeTarget) {
    this.connection = connection;
    this.#deadline = deadline;
    this.#target = target;
  }

  async write(...pieces: readonly (Uint8Array | string)[]): Promise<void> {
    await this.connection.write(concat(pieces.map(toBytes)));
  }

  /**
   * Reads exactly `count` bytes into a new array.
   *
   * @throws {ParleyError} No reply of the protocol is that long, so the announced length is wrong.
   */
  async exactly(count: number): Promise<Uint8Array<ArrayBuffer>> {
    if (count < 0 || count > MAX_REPLY_BYTES) {
      throw unexpected(this.#target, `does not speak ${this.#target.scheme}: it announced a reply of ${count} bytes`);
    }
    try {
      return await readExactly(this.connection, count, this.#deadline.wait());
    } catch (error) {
      if (!(error instanceof ClosedEarlyError)) throw error;
      const { text: endpoint } = this.#target;
      if (error.received === 0) throw this.ended("");
      const message = `${endpoint} closed the connection after ${error.received} of ${count} bytes of a reply`;
      throw new ClosedEarlyError(message, { endpoint, received: error.received, expected: count });
    }
  }

  /** The next bytes; `null` at the end. */
  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.connection.read(this.#deadline.wait());
  }

  /** The next line without CR LF or LF, decoded as Latin-1: the relevant words are ASCII. */
  async line(): Promise<string> {
    let text = "";
    for (;;) {
      const bytes = await this.read();
      if (bytes === null) throw this.ended(text);
      const end = bytes.indexOf(0x0a);
      text += latin1(end === -1 ? bytes : bytes.subarray(0, end));
      if (text.length > MAX_LINE_BYTES) throw unexpected(this.#target, "sent a line that is too long");
      if (end === -1) continue;
      this.connection.unread(bytes.slice(end + 1));
      return this.#lastLine = text.replace(/\r$/, "");
    }
  }

  /** The peer has closed the connection, after an incomplete line or none. */
  ended(incomplete: string): ClosedEarlyError {
    const { text: endpoint } = this.#target;
    const { bytesRead } = this.connection;
    const last = incomplete || this.#lastLine;
    const received = last === undefined ? `${bytesRead} bytes` : `"${preview(utf8(last), 80)}"`;
    const when = bytesRead === 0 ? "before it sent anything" : `after ${received}`;
    return new ClosedEarlyError(`${endpoint} closed the connection ${when}`, { endpoint, received: bytesRead });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }
}

/** Zero-terminated UTF-8. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return utf8(`${text}\0`);
}

/** UTF-8 after its length in `size` bytes, most significant first. */
export function prefixed(text: string | Uint8Array, size: 1 | 2 | 4): Uint8Array<ArrayBuffer> {
  const bytes = toBytes(text);
  return concat([bigEndian(bytes.length, size), bytes]);
}

/**
 * Compares the results of a handshake with the expectations. The handshake itself has verified the chain and the name.
 *
 * @throws {ParleyError} An expectation is not met.
 */
function assertTls(
  tls: TlsFacts,
  { target, expected }: ProbeContext,
  offered: readonly string[] = [],
): Facts {
  const [leaf] = tls.chain;
  const endpoint = target.text;
  const wrong = (what: string) => new ParleyError(`${endpoint} ${what}`, { endpoint });
  if (expected.minTls !== undefined && tls.version < expected.minTls) {
    throw wrong(`speaks ${tls.version}; required: ${expected.minTls}`);
  }
  if (offered.length > 0 && tls.alpn === undefined) throw wrong(`agreed on none of ${offered.join(", ")} (ALPN)`);
  if (leaf === undefined) throw wrong("sent no certificate");
  const days = daysLeft(leaf);
  if (expected.minDays !== undefined && days < expected.minDays) {
    throw wrong(`has a certificate that expires in ${days} days; required: ${expected.minDays}`);
  }
  return {
    tls: tls.version,
    ...(tls.alpn === undefined ? {} : { alpn: tls.alpn }),
    days,
    subject: leaf.subject,
    issuer: leaf.issuer,
    names: leaf.names,
    chain: tls.chain.length,
    ...(tls.distrust === undefined ? {} : { distrust: tls.distrust.text }),
  };
}
