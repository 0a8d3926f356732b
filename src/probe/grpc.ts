/**
 * gRPC health checking protocol (https://github.com/grpc/grpc/blob/master/doc/health-checking.md):
 * `grpc://host:port/SERVICE`, or without a service for the whole server.
 *
 * Ready: SERVING. Not ready: NOT_SERVING, UNKNOWN, an unknown service, status UNAVAILABLE.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { bigEndian, concat, NO_BYTES } from "../base/bytes.ts";
import { ParleyError, ResetError, TimeoutError } from "../base/errors.ts";
import { formatHostPort } from "../net/endpoint.ts";
import { abortable, nextTurn } from "../net/wait.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { decodePercent } from "./target.ts";
import { openWire, prefixed, type Wire } from "./wire.ts";

/** HealthCheckResponse.ServingStatus. */
const SERVING_STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
/** gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;
const MAX_RESPONSE_BYTES = 64 * 1024;

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

async function call({ target, deadline }: ProbeContext, wire: Wire, request: Uint8Array): Promise<Answer> {
  const { connect } = await import("node:http2");
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  // Data received before the end is processed first: it may complete the answer.
  const duplex = await duplexOf(wire, () => void nextTurn().then(() => reject(wire.ended(""))));
  const fail = (error: Error) =>
    reject(
      error instanceof ParleyError ? error : unexpected(target, `does not speak HTTP/2: ${error.message}`, error),
    );
  const authority = `${target.isTls ? "https" : "http"}://${formatHostPort(target.host, target.port)}`;
  const session = connect(authority, { createConnection: () => duplex });
  session.on("error", fail);
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    te: "trailers",
  });
  let headers: Record<string, unknown> = {};
  const chunks: Uint8Array[] = [];
  let size = 0;
  stream.on("response", (fields) => headers = { ...headers, ...fields });
  stream.on("trailers", (fields) => headers = { ...headers, ...fields });
  stream.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES) fail(new Error("the response is too long"));
    else chunks.push(chunk);
  });
  stream.on("error", fail);
  stream.on("close", () => {
    const grpcStatus = headers["grpc-status"];
    resolve({
      httpStatus: Number(headers[":status"] ?? 0),
      grpcStatus: grpcStatus === undefined ? undefined : Number(grpcStatus),
      // Percent-encoded (gRPC over HTTP2, "Responses").
      grpcMessage: decodePercent(String(headers["grpc-message"] ?? "")),
      body: concat(chunks),
    });
  });
  stream.end(request);
  try {
    return await abortable(
      promise,
      deadline.wait(),
      () => new TimeoutError("reply", `${target.text} did not answer in time`, { endpoint: target.text }),
    );
  } finally {
    session.destroy();
    duplex.destroy();
  }
}

/** The connection as a stream for `node:http2`. */
async function duplexOf({ connection }: Wire, onEnd: () => void): Promise<Duplex> {
  const { Duplex } = await import("node:stream");
  return new Duplex({
    read() {
      connection.read().then((bytes) => {
        this.push(bytes && bytes.slice());
        if (connection.isReadEnded) onEnd();
      }, (error: Error) => this.destroy(error));
    },
    write(chunk: Uint8Array, _encoding, done) {
      // What the peer has sent before it closed or reset the connection is read first: it may not be HTTP/2.
      connection.write(chunk).then(() => done(), (error) => done(error instanceof ResetError ? null : error));
    },
    final(done) {
      connection.closeWrite().then(() => done(), done);
    },
  });
}
