/**
 * Apache Kafka (https://kafka.apache.org/protocol, "ApiVersions", version 0).
 *
 * Ready: the broker lists the versions that it supports. Not ready: an error
 * code in place of them.
 *
 * @module
 */

import { bigEndian, concat, viewOf } from "../base/bytes.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire, prefixed } from "./wire.ts";

const API_VERSIONS = 18;
const VERSION_0 = 0;
/** Sent back with the response. */
const CORRELATION_ID = 0x7061726c;

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  await using wire = await openWire(context);
  const request = concat([
    ...[bigEndian(API_VERSIONS, 2), bigEndian(VERSION_0, 2), bigEndian(CORRELATION_ID, 4)],
    prefixed("parley", 2),
  ]);
  await wire.write(bigEndian(request.length, 4), request);
  const length = viewOf(await wire.exactly(4)).getUint32(0);
  if (length < 10 || length > 64 * 1024) throw unexpected(target, "does not speak the Kafka protocol");
  const response = viewOf(await wire.exactly(length));
  if (response.getUint32(0) !== CORRELATION_ID) throw unexpected(target, "does not speak the Kafka protocol");
  const errorCode = response.getInt16(4);
  if (errorCode !== 0) throw notReady(target, `error code ${errorCode} to ApiVersions`);
  return { apis: response.getInt32(6) };
}
