import { bigEndian, concat } from "../../src/base/bytes.ts";

/** The response to a DNS query (RFC 1035), with one record, or with none because it is truncated. */
export function dnsAnswer(query: Uint8Array, record?: Uint8Array): Uint8Array {
  const isTruncated = record === undefined;
  const head = query.slice();
  head.set([0x81 | (isTruncated ? 0x02 : 0), 0x80], 2);
  head.set([0, isTruncated ? 0 : 1], 6);
  return isTruncated ? head : concat([head, record]);
}

/** A record, by default of the name that was asked for. */
export function dnsRecord(type: number, data: Uint8Array, namePointer = 0xc00c): Uint8Array {
  const numbers = [namePointer, type, 1, 0, 0, data.length];
  return concat([...numbers.map((number) => bigEndian(number, 2)), data]);
}
