/**
 * LDAP (RFC 4511, sections 4.2 and 4.2.2; BER, section 5.1).
 *
 * Ready: the server answers a bind, anonymous or with credentials, even if it forbids anonymous binds. Not ready: busy
 * (51), unavailable (52).
 *
 * @module
 */

import { concat, utf8 } from "../base/bytes.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire, type Wire } from "./wire.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const ENUMERATED = 0x0a;
const BIND_REQUEST = 0x60;
const BIND_RESPONSE = 0x61;
const EXTENDED_RESPONSE = 0x78;
const UNBIND_REQUEST = 0x42;
const SIMPLE = 0x80;

const SUCCESS = 0;
const BUSY = 51;
const UNAVAILABLE = 52;
/** Result codes of a bind (RFC 4511, appendix A.1). */
const NAMES: Readonly<Record<number, string>> = {
  1: "operations error",
  2: "protocol error",
  7: "authentication method not supported",
  8: "stronger authentication required",
  13: "confidentiality required",
  32: "no such object",
  48: "inappropriate authentication",
  49: "invalid credentials",
  50: "insufficient access rights",
  51: "busy",
  52: "unavailable",
  53: "unwilling to perform",
};

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, login } = context;
  await using wire = await openWire(context);
  const bind = element(
    BIND_REQUEST,
    element(INTEGER, Uint8Array.of(3)),
    element(OCTET_STRING, utf8(login?.user ?? "")),
    element(SIMPLE, utf8(login?.password ?? "")),
  );
  await wire.write(message(1, bind));
  const { code, words } = await receiveResult(context, wire);
  if (code === BUSY || code === UNAVAILABLE) throw notReady(target, words);
  if (code !== SUCCESS && login !== undefined) throw unexpected(target, `rejected the login: ${words}`);
  await wire.write(message(2, Uint8Array.of(UNBIND_REQUEST, 0)));
  return code === SUCCESS ? {} : { refused: words };
}

async function receiveResult({ target }: ProbeContext, wire: Wire): Promise<{ code: number; words: string }> {
  const malformed = () => unexpected(target, "does not speak LDAP");
  const [tag, first = 0] = await wire.exactly(2);
  if (tag !== SEQUENCE || first > 0x84) throw malformed();
  const lengthBytes = first < 0x80 ? Uint8Array.of(first) : await wire.exactly(first & 0x7f);
  const body = await wire.exactly(lengthBytes.reduce((length, byte) => length * 256 + byte, 0));
  const id = readElement(body);
  const response = id && readElement(id.rest);
  const isResponse = response?.tag === BIND_RESPONSE || response?.tag === EXTENDED_RESPONSE;
  const code = isResponse ? readElement(response.value) : undefined;
  const matched = code && readElement(code.rest);
  const diagnostic = matched && readElement(matched.rest);
  if (id?.tag !== INTEGER || code?.tag !== ENUMERATED || diagnostic === undefined) throw malformed();
  const number = code.value.reduce((value, byte) => value * 256 + byte, 0);
  const name = NAMES[number] ?? `result code ${number}`;
  const text = new TextDecoder().decode(diagnostic.value);
  return { code: number, words: text === "" ? name : `${name} (${text})` };
}

function message(id: number, operation: Uint8Array): Uint8Array<ArrayBuffer> {
  return element(SEQUENCE, element(INTEGER, Uint8Array.of(id)), operation);
}

function element(tag: number, ...values: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const value = concat(values);
  const { length } = value;
  const lengthBytes = length < 0x80 ? [length] : [0x82, length >>> 8, length & 0xff];
  return concat([Uint8Array.of(tag, ...lengthBytes), value]);
}

/** The first element; `undefined` if it is incomplete. */
function readElement(bytes: Uint8Array): { tag: number; value: Uint8Array; rest: Uint8Array } | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || first > 0x84) return undefined;
  const lengthSize = first < 0x80 ? 0 : first & 0x7f;
  const length = lengthSize === 0
    ? first
    : bytes.subarray(2, 2 + lengthSize).reduce((value, byte) => value * 256 + byte, 0);
  const start = 2 + lengthSize;
  if (start + length > bytes.length) return undefined;
  return { tag, value: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}
