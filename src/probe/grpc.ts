/**
 * gRPC health checking protocol (https://github.com/grpc/grpc/blob/master/doc/health-checking.md):
 * `grpc://host:port/SERVICE`, or without a service for the whole server.
 *
 * Ready: SERVING. Not ready: NOT_SERVING, UNKNOWN, an unknown service, status UNAVAILABLE.
 *
 * @module
 */

import { bigEndian, concat, leb128, NO_BYTES, preview, utf8, viewOf } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { formatHostPort } from "../net/endpoint.ts";
import { callOverHttp2 } from "./http2.ts";
import { type Facts, notReady, type ProbeContext, type ProbeTarget, unexpected } from "./probe.ts";
import { decodePercent } from "./target.ts";
import { openWire } from "./wire.ts";

/** HealthCheckResponse.ServingStatus. */
const SERVING_STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
/** gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;
/** HTTP statuses that stand for UNAVAILABLE (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
const UNAVAILABLE_HTTP = ["429", "502", "503", "504"];
/** The whole request fits into one frame. */
const MAX_SERVICE_BYTES = 16_000;

type Fields = ReadonlyMap<string, string>;

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, deadline } = context;
  const request = encodeRequest(target);
  await using wire = await openWire(context, target.isTls ? { tls: { alpn: ["h2"] } } : {});
  const { fields, body } = await callOverHttp2(wire, target, {
    fields: [
      [":method", "POST"],
      [":scheme", target.isTls ? "https" : "http"],
      [":path", "/grpc.health.v1.Health/Check"],
      [":authority", formatHostPort(target.host, target.port)],
      // Eight digits at most.
      ["grpc-timeout", `${Math.min(99_999_999, Math.ceil(deadline.remainingMs))}m`],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
    ],
    body: request,
    isExpected: (fields) => isGrpc(fields) && fields.get(":status") === "200",
  });
  assertStatus(target, fields);
  const status = servingStatus(target, body);
  if (status !== "SERVING") throw notReady(target, status);
  return { status };
}

function isGrpc(fields: Fields): boolean {
  return fields.get("content-type")?.startsWith("application/grpc") ?? false;
}

/** @throws {ParleyError} The call was not answered, or not with the status OK. */
function assertStatus(target: ProbeTarget, fields: Fields): void {
  const text = fields.get("grpc-status");
  const http = fields.get(":status") ?? "";
  if (text === undefined) {
    if (UNAVAILABLE_HTTP.includes(http)) throw notReady(target, `HTTP status ${http}`);
    if (http !== "200") throw unexpected(target, `answered with HTTP status ${shown(http)}`);
    const type = isGrpc(fields) ? "" : `, but with ${shown(fields.get("content-type") ?? "no content type")}`;
    throw unexpected(target, `answered without a gRPC status${type}`);
  }
  if (!/^\d{1,3}$/.test(text)) throw unexpected(target, `answered with gRPC status "${shown(text)}"`);
  // Percent-encoded (gRPC over HTTP2, "Responses").
  const message = shown(decodePercent(fields.get("grpc-message") ?? ""));
  switch (Number(text)) {
    case 0:
      return;
    case NOT_FOUND:
      throw notReady(target, `unknown service "${target.name}"`);
    case UNIMPLEMENTED:
      throw unexpected(target, "does not implement the gRPC health service");
    case UNAVAILABLE:
      throw notReady(target, message || "unavailable");
    default:
      throw unexpected(target, `answered with gRPC status ${text} ${message}`.trim());
  }
}

function shown(text: string): string {
  return preview(utf8(text), 200);
}

/**
 * A gRPC message with HealthCheckRequest { string service = 1; }.
 *
 * @throws {UsageError} The name is too long.
 */
function encodeRequest({ name, text }: ProbeTarget): Uint8Array<ArrayBuffer> {
  const service = utf8(name);
  if (service.length > MAX_SERVICE_BYTES) {
    throw new UsageError(`Cannot check "${preview(utf8(text), 80)}": the service has more than 16,000 bytes`);
  }
  const field = service.length === 0 ? NO_BYTES : concat([Uint8Array.of(0x0a, ...leb128(service.length)), service]);
  return concat([Uint8Array.of(0), bigEndian(field.length, 4), field]);
}

/** Field 1 of HealthCheckResponse, an enumeration; its default, 0, is omitted on the wire. */
function servingStatus(target: ProbeTarget, body: Uint8Array): string {
  const isWhole = body.length >= 5 && body[0] === 0 && viewOf(body).getUint32(1) === body.length - 5;
  const status = isWhole ? lastVarint(body.subarray(5), 1) : undefined;
  if (status === undefined) throw unexpected(target, "answered with an invalid message");
  return SERVING_STATUS[status] ?? `status ${status}`;
}

/** The last value of a field of a message in Protocol Buffers; 0 without one, `undefined` if the message is invalid. */
function lastVarint(message: Uint8Array, field: number): number | undefined {
  let found = 0;
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return NaN;
  };
  while (at < message.length) {
    const key = varint();
    const type = key % 8;
    const value = type === 0 || type === 2 ? varint() : 0;
    if (type === 0 && Math.floor(key / 8) === field) found = value;
    at += type === 1 ? 8 : type === 2 ? value : type === 5 ? 4 : 0;
    if (![0, 1, 2, 5].includes(type) || !(at <= message.length)) return undefined;
  }
  return Number.isNaN(found) ? undefined : found;
}
