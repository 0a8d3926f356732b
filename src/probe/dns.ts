/**
 * DNS over UDP or TCP (RFC 1035, section 4; AAAA, RFC 3596):
 * `dns://SERVER/NAME?type=A&value=192.0.2.1&transport=tcp`.
 *
 * Ready: the server answers the query, with `value` if given. Not ready: SERVFAIL, REFUSED, no such name, no record.
 * Without a name, the query is for the root name servers, and any answer counts: it proves that the server is up, not
 * that it can resolve anything.
 *
 * @module
 */

import { bigEndian, concat, equalBytes, latin1, utf8, viewOf } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { formatIp, isSameIp } from "../base/ip.ts";
import { askByDatagram } from "./datagram.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire, prefixed } from "./wire.ts";

const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const IS_RESPONSE = 0x8000;
const IS_TRUNCATED = 0x0200;
const NAME_ERROR = 3;
const CODES: Readonly<Record<number, string>> = {
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED",
};
const MAX_POINTERS = 20;

interface Question {
  readonly name: string;
  readonly type: number;
}

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  const { query } = target;
  const name = target.name.replace(/\.$/, "");
  const typeName = (query.get("type") ?? (name === "" ? "NS" : "A")).toUpperCase();
  const type = TYPES[typeName];
  if (type === undefined) {
    throw new UsageError(`Cannot query "${typeName}" records: known types are ${Object.keys(TYPES).join(", ")}`);
  }
  const id = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
  const request = encodeQuery(id, { name, type });
  const isTcp = target.scheme === "dns+tcp" || query.get("transport") === "tcp";
  const response = isTcp ? await askTcp(context, request) : await askUdp(context, request);
  return judge(context, request, response, { name, type }, query.get("value") ?? undefined);
}

function judge(
  { target }: ProbeContext,
  request: Uint8Array,
  response: Uint8Array,
  question: Question,
  wanted: string | undefined,
): Facts {
  if (!belongsTo(request, response)) throw unexpected(target, "does not speak DNS");
  const code = viewOf(response).getUint16(2) & 0xf;
  const words = CODES[code] ?? `response code ${code}`;
  if (question.name === "") return {};
  if (code !== 0) throw notReady(target, code === NAME_ERROR ? `no such name: ${question.name} (NXDOMAIN)` : words);
  let records: string[];
  try {
    records = decodeAnswers(response, question.type);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unexpected(target, "sent a malformed DNS message", error);
  }
  if (records.length === 0) throw notReady(target, `no record of that type for ${question.name}`);
  if (wanted !== undefined && !records.some((record) => isSame(record, wanted, question.type))) {
    throw notReady(target, `${question.name} is ${records.join(", ")}, not ${wanted}`);
  }
  return { records };
}

/** Compares addresses as bytes, names without regard to case (RFC 4343), and texts as they are. */
function isSame(record: string, wanted: string, type: number): boolean {
  if (type === TYPES.A || type === TYPES.AAAA) return isSameIp(record, wanted);
  if (type === TYPES.TXT) return record === wanted;
  return record.toLowerCase() === wanted.toLowerCase().replace(/(.)\.$/, "$1");
}

async function askTcp(context: ProbeContext, request: Uint8Array): Promise<Uint8Array> {
  await using wire = await openWire(context);
  await wire.write(bigEndian(request.length, 2), request);
  return await wire.exactly(viewOf(await wire.exactly(2)).getUint16(0));
}

async function askUdp(context: ProbeContext, request: Uint8Array): Promise<Uint8Array> {
  const { host, port } = context.target;
  // Only a message that repeats the question is the answer, since the address of a datagram can be forged.
  const isAnswer = (data: Uint8Array) => belongsTo(request, data);
  const response = await askByDatagram(context, { scheme: "udp", host, port, path: "/" }, request, isAnswer);
  // The answer does not fit into a datagram (RFC 7766, section 5).
  return (viewOf(response).getUint16(2) & IS_TRUNCATED) === 0 ? response : await askTcp(context, request);
}

/** Whether the identifier and the question are those of the request (RFC 5452, section 9.1). */
function belongsTo(request: Uint8Array, response: Uint8Array): boolean {
  if (response.length < request.length) return false;
  const isAnswer = (viewOf(response).getUint16(2) & IS_RESPONSE) !== 0;
  return isAnswer && equalBytes(response.subarray(0, 2), request.subarray(0, 2)) &&
    equalBytes(response.subarray(HEADER_BYTES, request.length), request.subarray(HEADER_BYTES));
}

function encodeQuery(id: number, { name, type }: Question): Uint8Array<ArrayBuffer> {
  const labels = name === "" ? [] : name.split(".");
  for (const label of labels) {
    if (label === "" || utf8(label).length > 63) throw new UsageError(`Cannot query "${name}": invalid label`);
  }
  return concat([
    ...[id, RECURSION_DESIRED, 1, 0, 0, 0].map((value) => bigEndian(value, 2)),
    ...labels.map((label) => prefixed(label, 1)),
    Uint8Array.of(0),
    ...[type, CLASS_IN].map((value) => bigEndian(value, 2)),
  ]);
}

/** Values of the answer section's records of one type, as text. A truncated message throws a RangeError. */
function decodeAnswers(message: Uint8Array, type: number): string[] {
  const view = viewOf(message);
  let at = HEADER_BYTES;
  for (let count = view.getUint16(4); count > 0; count--) at = readName(message, at).end + 4;
  const values: string[] = [];
  for (let count = view.getUint16(6); count > 0; count--) {
    at = readName(message, at).end;
    const length = view.getUint16(at + 8);
    if (view.getUint16(at) === type) values.push(decodeValue(message, at + 10, length, type));
    at += 10 + length;
  }
  return values;
}

function decodeValue(message: Uint8Array, at: number, length: number, type: number): string {
  const view = viewOf(message);
  if (at + length > message.length) throw new RangeError("Cannot parse a DNS record: it is truncated");
  switch (type) {
    case 1:
    case 28:
      if (length !== (type === 1 ? 4 : 16)) throw new RangeError("Cannot parse a DNS record: it has no address");
      return formatIp(message.subarray(at, at + length));
    case 15:
      return `${view.getUint16(at)} ${readName(message, at + 2).name}`;
    case 33:
      return `${[0, 2, 4].map((offset) => view.getUint16(at + offset)).join(" ")} ${readName(message, at + 6).name}`;
    case 16: {
      let text = "";
      for (let from = at; from < at + length; from += 1 + view.getUint8(from)) {
        text += latin1(message.subarray(from + 1, from + 1 + view.getUint8(from)));
      }
      return text;
    }
    default:
      return readName(message, at).name;
  }
}

/** Reads a name, which may be compressed (RFC 1035, section 4.1.4), and the offset of the bytes that follow it. */
function readName(message: Uint8Array, start: number): { name: string; end: number } {
  const view = viewOf(message);
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  for (let pointers = 0; pointers < MAX_POINTERS;) {
    const length = view.getUint8(at);
    if (length === 0) return { name: labels.join("."), end: end ?? at + 1 };
    if (length >= 0xc0) {
      end ??= at + 2;
      at = view.getUint16(at) & 0x3fff;
      pointers++;
    } else {
      labels.push(latin1(message.subarray(at + 1, at + 1 + length)));
      at += 1 + length;
    }
  }
  throw new RangeError("Cannot parse a DNS name: too many pointers");
}
