/**
 * gRPC health checking protocol (https://github.com/grpc/grpc/blob/master/doc/health-checking.md):
 * `grpc://host:port/SERVICE`, or without a service for the whole server.
 *
 * Ready: SERVING. Not ready: NOT_SERVING, UNKNOWN, an unknown service, status UNAVAILABLE.
 *
 * @module
 */

import { bigEndian, concat, NO_BYTES } from "../base/bytes.ts";
import type { HeaderField } from "../http/hpack.ts";
import { formatHostPort } from "../net/endpoint.ts";
import { callOverHttp2 } from "./http2.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { decodePercent } from "./target.ts";
import { openWire, prefixed, type Wire } from "./wire.ts";

/** HealthCheckResponse.ServingStatus. */
const SERVING_STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
/** gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;

interface Answer {
  readonly httpStatus: number;
  readonly grpcStatus: number | undefined;
  readonly grpcMessage: string;
  readonly body: Uint8Array;
}

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target } = context;
  const service = target.name;
  await using wire = await openWire(context, target.isTls ? { tls: { alpn: ["h2"] } } : {});
  const answer = await call(context, wire, encodeRequest(service));
  if (answer.httpStatus !== 200) throw notReady(target, `HTTP status ${answer.httpStatus}`);
  switch (answer.grpcStatus) {
    case 0:
      break;
    case NOT_FOUND:
      throw notReady(target, `unknown service "${service}"`);
    case UNIMPLEMENTED:
      throw unexpected(target, "does not implement the gRPC health service");
    case UNAVAILABLE:
      throw notReady(target, answer.grpcMessage || "unavailable");
    default:
      throw unexpected(
        target,
        `answered with gRPC status ${answer.grpcStatus ?? "missing"} ${answer.grpcMessage}`.trim(),
      );
  }
  const status = servingStatus(answer.body);
  if (status !== "SERVING") throw notReady(target, status);
  return { status };
}

/** A gRPC message with HealthCheckRequest { string service = 1; }. */
function encodeRequest(service: string): Uint8Array<ArrayBuffer> {
  const field = service === "" ? NO_BYTES : concat([Uint8Array.of(0x0a), prefixed(service.slice(0, 127), 1)]);
  return concat([Uint8Array.of(0), bigEndian(field.length, 4), field]);
}

/** Field 1 of HealthCheckResponse, an enumeration; its default, 0, is omitted on the wire. */
function servingStatus(body: Uint8Array): string {
  const fields = body.subarray(5);
  const value = fields[0] === 0x08 ? fields[1] ?? 0 : 0;
  return SERVING_STATUS[value] ?? `status ${value}`;
}

async function call({ target }: ProbeContext, wire: Wire, request: Uint8Array): Promise<Answer> {
  const fields: HeaderField[] = [
    [":method", "POST"],
    [":scheme", target.isTls ? "https" : "http"],
    [":path", "/grpc.health.v1.Health/Check"],
    [":authority", formatHostPort(target.host, target.port)],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ];
  const { fields: answered, body } = await callOverHttp2(wire, target, { fields, body: request });
  const grpcStatus = answered.get("grpc-status");
  return {
    httpStatus: Number(answered.get(":status")),
    grpcStatus: grpcStatus === undefined ? undefined : Number(grpcStatus),
    // Percent-encoded (gRPC over HTTP2, "Responses").
    grpcMessage: decodePercent(answered.get("grpc-message") ?? ""),
    body,
  };
}
