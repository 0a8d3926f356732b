/**
 * MongoDB, OP_MSG (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/)
 * with BSON (https://bsonspec.org/spec.html).
 *
 * Ready: a primary, secondary, standalone server, arbiter or router answers `hello`. Not ready: a replica set without
 * a primary, a recovering member, an error.
 *
 * @module
 */

import { concat, littleEndian, viewOf } from "../base/bytes.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { cString, openWire } from "./wire.ts";

const OP_MSG = 2013;
const HEADER_BYTES = 16;
const REQUEST_ID = 1;
/** Caps recursion; no reply to `hello` is nested this deeply. */
const MAX_DEPTH = 20;

type Document = Readonly<Record<string, unknown>>;

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  await using wire = await openWire(context);
  // { hello: 1, $db: "admin" }
  const fields = concat([
    ...[Uint8Array.of(0x10), cString("hello"), littleEndian(1, 4)],
    ...[Uint8Array.of(0x02), cString("$db"), littleEndian(6, 4), cString("admin"), Uint8Array.of(0)],
  ]);
  // Flag bits, then one section of kind 0: the document.
  const body = concat([littleEndian(0, 4), Uint8Array.of(0), littleEndian(fields.length + 4, 4), fields]);
  await wire.write(
    ...[HEADER_BYTES + body.length, REQUEST_ID, 0, OP_MSG].map((value) => littleEndian(value, 4)),
    body,
  );
  const header = viewOf(await wire.exactly(HEADER_BYTES));
  const length = header.getInt32(0, true);
  if (header.getInt32(8, true) !== REQUEST_ID || header.getInt32(12, true) !== OP_MSG || length < HEADER_BYTES + 10) {
    throw unexpected(target, "does not speak the MongoDB protocol");
  }
  const reply = parseReply(context, (await wire.exactly(length - HEADER_BYTES)).subarray(5));
  if (reply["ok"] !== 1) throw notReady(target, String(reply["errmsg"] ?? "hello failed"));
  if (reply["isWritablePrimary"] === true) return { role: reply["msg"] === "isdbgrid" ? "router" : "primary" };
  if (reply["secondary"] === true) return { role: "secondary" };
  if (reply["arbiterOnly"] === true) return { role: "arbiter" };
  throw notReady(target, String(reply["info"] ?? "neither primary nor secondary"));
}

function parseReply({ target }: ProbeContext, bytes: Uint8Array): Document {
  try {
    return parseDocument(bytes, 0).document;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unexpected(target, "sent invalid BSON", error);
  }
}

/**
 * Reads a document and returns it with its end. Values of types that are not used here become `undefined`.
 *
 * @throws {RangeError} The bytes are not BSON.
 */
function parseDocument(bytes: Uint8Array, depth: number): { document: Document; length: number } {
  if (depth > MAX_DEPTH) throw new RangeError("Cannot parse BSON: nested too deeply");
  const view = viewOf(bytes);
  const length = view.getInt32(0, true);
  if (length < 5 || length > bytes.length) throw new RangeError("Cannot parse BSON: invalid length");
  const document: Record<string, unknown> = {};
  let at = 4;
  while (at < length - 1) {
    const type = view.getUint8(at);
    const nameEnd = bytes.indexOf(0, at + 1);
    if (nameEnd === -1 || nameEnd >= length) throw new RangeError("Cannot parse BSON: unterminated name");
    const name = text(bytes.subarray(at + 1, nameEnd));
    const { value, size } = parseValue(type, bytes.subarray(nameEnd + 1, length - 1), depth);
    document[name] = value;
    at = nameEnd + 1 + size;
  }
  return { document, length };
}

function parseValue(type: number, bytes: Uint8Array, depth: number): { value?: unknown; size: number } {
  const view = viewOf(bytes);
  switch (type) {
    case 0x01:
      return { value: view.getFloat64(0, true), size: 8 };
    case 0x02:
    case 0x0d:
    case 0x0e: {
      const length = positive(view.getInt32(0, true));
      return { value: text(bytes.subarray(4, 3 + length)), size: 4 + length };
    }
    case 0x03:
    case 0x04: {
      const { document, length } = parseDocument(bytes, depth + 1);
      return { value: document, size: length };
    }
    case 0x05:
      return { size: 5 + positive(view.getInt32(0, true)) };
    case 0x07:
      return { size: 12 };
    case 0x08:
      return { value: view.getUint8(0) === 1, size: 1 };
    case 0x06:
    case 0x0a:
    case 0x7f:
    case 0xff:
      return { value: null, size: 0 };
    case 0x10:
      return { value: view.getInt32(0, true), size: 4 };
    case 0x09:
    case 0x11:
    case 0x12:
      return { value: Number(view.getBigInt64(0, true)), size: 8 };
    case 0x13:
      return { size: 16 };
    default:
      throw new RangeError(`Cannot parse BSON: unknown type ${type}`);
  }
}

function positive(length: number): number {
  if (length < 0) throw new RangeError("Cannot parse BSON: negative length");
  return length;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
