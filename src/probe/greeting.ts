/**
 * Protocols in which the server speaks first: SMTP (RFC 5321, section 3.1),
 * IMAP (RFC 9051, section 7.1), POP3 (RFC 1939, section 4), FTP (RFC 959,
 * section 5.4), SSH (RFC 4253, section 4.2).
 *
 * Ready: a greeting that accepts the client. Not ready: one that rejects it (421, `* BYE`, `-ERR`, 120).
 *
 * @module
 */

import { preview, utf8 } from "../base/bytes.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire } from "./wire.ts";

interface Greeting {
  readonly name: string;
  readonly ready: RegExp;
  readonly notReady: RegExp;
  /** Sent before the connection is closed, if the protocol requires it. */
  readonly quit?: string;
  /** Lines that may precede the greeting. */
  readonly maxLines?: number;
}

const SMTP: Greeting = { name: "SMTP", ready: /^220[ -]/, notReady: /^(?:421|554|4\d\d)[ -]/, quit: "QUIT\r\n" };
const IMAP: Greeting = {
  name: "IMAP",
  ready: /^\* (?:OK|PREAUTH)\b/i,
  notReady: /^\* BYE\b/i,
  quit: "p1 LOGOUT\r\n",
};
const POP3: Greeting = { name: "POP3", ready: /^\+OK\b/, notReady: /^-ERR\b/, quit: "QUIT\r\n" };
const FTP: Greeting = { name: "FTP", ready: /^220[ -]/, notReady: /^(?:120|421)[ -]/, quit: "QUIT\r\n" };
// Other lines may precede the version (RFC 4253, section 4.2); OpenSSH rejects clients with a line of text.
const SSH: Greeting = {
  name: "SSH",
  ready: /^SSH-(?:2\.0|1\.99)-/,
  notReady: /^(?:Exceeded MaxStartups|Not allowed at this time)/i,
  maxLines: 50,
};

const GREETINGS: Readonly<Record<string, Greeting>> = {
  smtp: SMTP,
  smtps: SMTP,
  imap: IMAP,
  imaps: IMAP,
  pop3: POP3,
  pop3s: POP3,
  ftp: FTP,
  ftps: FTP,
  ssh: SSH,
};

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  const greeting = GREETINGS[target.scheme];
  if (greeting === undefined) throw new TypeError(`Cannot probe "${target.scheme}": it has no known greeting`);
  let line = "";
  await using wire = await openWire(context);
  for (let lines = 0; lines < (greeting.maxLines ?? 1); lines++) {
    line = await wire.line();
    if (greeting.notReady.test(line)) throw notReady(target, line);
    if (!greeting.ready.test(line)) continue;
    if (greeting.quit !== undefined) await wire.write(greeting.quit);
    return { greeting: line.slice(0, 200) };
  }
  throw unexpected(target, `does not speak ${greeting.name}: it sent "${preview(utf8(line), 80)}"`);
}
