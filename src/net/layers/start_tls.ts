/**
 * Plaintext dialogues that upgrade a connection to TLS: SMTP (RFC 3207), IMAP (RFC 9051, section 6.2.1), POP3 (RFC
 * 2595, section 4), PostgreSQL (SSLRequest of its frontend/backend protocol).
 *
 * @module
 */

import { preview, utf8 } from "../../base/bytes.ts";
import { ClosedEarlyError, LimitError, TlsError } from "../../base/errors.ts";
import type { Layer } from "../layer.ts";
import type { Transport } from "../transport.ts";
import { writeAll } from "../write_all.ts";

/** Protocols that start in plaintext and upgrade to TLS. */
export const START_TLS_PROTOCOLS = ["smtp", "imap", "pop3", "postgres"] as const;

/** One of {@linkcode START_TLS_PROTOCOLS}. */
export type StartTlsProtocol = typeof START_TLS_PROTOCOLS[number];

/** Maximum bytes of a reply, including all its lines. */
const REPLY_BYTES = 16 * 1024;

/** Length 8, then the code 1234.5679 (PostgreSQL, section "SSL Session Encryption"). */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/** Runs the plaintext dialogue up to the TLS handshake. */
export type StartTlsDialogue = (transport: Transport) => Promise<void>;

/**
 * Upgrades the server to TLS; the next layer does the handshake, so the transport stays the same.
 *
 * `wrap()` throws a `TlsError` if the server rejects TLS or sends extra data before it, and a `ClosedEarlyError` if it
 * closes the connection.
 */
export function startTlsLayer(how: StartTlsProtocol | StartTlsDialogue, endpoint: string): Layer {
  return {
    name: "TLS",
    async wrap(inner) {
      if (typeof how === "string") await runDialogue(how, inner, endpoint);
      else await how(inner);
      return { transport: inner };
    },
  };
}

async function runDialogue(protocol: StartTlsProtocol, transport: Transport, endpoint: string): Promise<void> {
  const dialogue = new Dialogue(protocol, transport, endpoint);
  switch (protocol) {
    case "smtp":
      await dialogue.expect(/^220[ -]/, smtpEnd);
      await dialogue.say("EHLO parley.invalid");
      await dialogue.expect(/^250[ -]/, smtpEnd);
      await dialogue.say("STARTTLS");
      await dialogue.expect(/^220[ -]/, smtpEnd);
      break;
    case "imap":
      await dialogue.expect(/^\* (?:OK|PREAUTH)\b/i, anyLine);
      await dialogue.say("p1 STARTTLS");
      await dialogue.expect(/^p1 OK\b/im, /^p1 /i);
      break;
    case "pop3":
      await dialogue.expect(/^\+OK\b/, anyLine);
      await dialogue.say("STLS");
      await dialogue.expect(/^\+OK\b/, anyLine);
      break;
    case "postgres":
      await writeAll(transport, SSL_REQUEST);
      await dialogue.expectByte("S");
  }
  dialogue.end();
}

/** All lines of a reply but the last have a hyphen after the code (RFC 5321, section 4.2.1); a line without a code ends it. */
const smtpEnd = /^(?!\d{3}-)/;
const anyLine = /^/;

class Dialogue {
  readonly #protocol: StartTlsProtocol;
  readonly #transport: Transport;
  readonly #endpoint: string;
  readonly #space = new Uint8Array(1024);
  #rest = "";

  constructor(protocol: StartTlsProtocol, transport: Transport, endpoint: string) {
    this.#protocol = protocol;
    this.#transport = transport;
    this.#endpoint = endpoint;
  }

  async say(line: string): Promise<void> {
    await writeAll(this.#transport, `${line}\r\n`);
  }

  /** Reads a whole reply, which must match. */
  async expect(wanted: RegExp, isLast: RegExp): Promise<void> {
    let reply = "";
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end === -1) {
        if (reply.length + this.#rest.length > REPLY_BYTES) throw this.#tooLong();
        await this.#readMore();
        continue;
      }
      const line = this.#rest.slice(0, end + 1);
      this.#rest = this.#rest.slice(end + 1);
      reply += line;
      if (reply.length > REPLY_BYTES) throw this.#tooLong();
      if (!isLast.test(line)) continue;
      if (!wanted.test(reply)) throw this.#refused(reply);
      return;
    }
  }

  async expectByte(wanted: string): Promise<void> {
    if (this.#rest === "") await this.#readMore();
    const byte = this.#rest.slice(0, 1);
    if (byte !== wanted) throw this.#refused(this.#rest);
    this.#rest = this.#rest.slice(1);
  }

  /** Plaintext after the last reply could be treated as if it had arrived within TLS (CVE-2011-0411). */
  end(): void {
    if (this.#rest === "") return;
    const message = `Cannot speak TLS with ${this.#endpoint}: the server sent plaintext after it agreed to TLS`;
    throw new TlsError("protocol", message, { endpoint: this.#endpoint });
  }

  async #readMore(): Promise<void> {
    const count = await this.#transport.read(this.#space);
    if (count === null) {
      const message = `${this.#endpoint} closed the connection during the ${this.#protocol} dialogue before TLS`;
      throw new ClosedEarlyError(message, { endpoint: this.#endpoint });
    }
    // Byte by byte, since keywords are ASCII and shown text is escaped.
    for (const byte of this.#space.subarray(0, count)) this.#rest += String.fromCharCode(byte);
  }

  #refused(reply: string): TlsError {
    const shown = preview(utf8(reply.trimEnd()), 80);
    const message =
      `Cannot speak TLS with ${this.#endpoint}: the ${this.#protocol} server did not agree to TLS: it answered "${shown}"`;
    return new TlsError("protocol", message, { endpoint: this.#endpoint });
  }

  #tooLong(): LimitError {
    const message = `Cannot speak TLS with ${this.#endpoint}: a reply is longer than ${REPLY_BYTES} bytes`;
    return new LimitError(message, { endpoint: this.#endpoint });
  }
}
