/**
 * HTTP/1.1 responses (RFC 9112, section 4).
 *
 * @module
 */

import { concat, toBytes, utf8 } from "../base/bytes.ts";
import type { HttpError } from "./head.ts";

/** A response with a whole body. */
export interface HttpResponse {
  /** The status code (RFC 9110, section 15). */
  readonly status: number;
  /** Fields besides `Content-Length` and `Connection`, which are derived. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The body; its length is sent even if the body is omitted. */
  readonly body?: Uint8Array | string;
  /** Whether the connection is kept open for another request. */
  readonly isKeptAlive?: boolean;
  /** For a HEAD request: the same fields, no body (RFC 9110, section 9.3.2). */
  readonly isHead?: boolean;
}

const REASONS: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  417: "Expectation Failed",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** Reason phrase of a status code (RFC 9110, section 15). */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? "";
}

/** Encodes a response (RFC 9112, section 4). */
export function encodeResponse(response: HttpResponse): Uint8Array {
  const body = toBytes(response.body ?? "");
  const head = encodeHead(`HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}`, {
    ...response.fields,
    ...(hasBody(response.status) ? { "Content-Length": String(body.length) } : {}),
    ...(response.fields?.["Connection"] === undefined
      ? { Connection: response.isKeptAlive ? "keep-alive" : "close" }
      : {}),
  });
  return response.isHead || !hasBody(response.status) || body.length === 0 ? head : concat([head, body]);
}

/** Other responses have no body and no length (RFC 9110, section 8.6). */
function hasBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

/** Tells a client to send its body (RFC 9110, section 15.2.1). */
export const CONTINUE: Uint8Array = encodeHead("HTTP/1.1 100 Continue", {});

/** The content of a route's response. */
export interface HttpContent {
  /** For example `text/html; charset=utf-8`; none without a body. */
  readonly contentType?: string;
  /** Empty by default. */
  readonly body?: string | Uint8Array;
  /**
   * The status code.
   *
   * @default {200}
   */
  readonly status?: number;
  /** Additional fields. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A response with a value as one line of JSON. */
export function jsonContent(value: unknown): HttpContent {
  return { contentType: "application/json", body: `${JSON.stringify(value)}\n` };
}

/** Builds the response; it must not be cached, sniffed, or sent as a referrer. */
export function contentResponse({ status = 200, contentType, body = "", fields }: HttpContent): HttpResponse {
  return {
    status,
    body,
    fields: {
      // Servers with a clock must send the date (RFC 9110, section 6.6.1).
      Date: new Date().toUTCString(),
      ...(contentType === undefined ? {} : { "Content-Type": contentType }),
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      ...fields,
    },
  };
}

/** The response to a request that cannot be served; the connection is closed after it. */
export function errorResponse({ status, message, responseFields }: HttpError): HttpResponse {
  return contentResponse({
    status,
    contentType: "text/plain; charset=utf-8",
    body: `${status} ${reasonPhrase(status)}: ${message}\n`,
    fields: responseFields,
  });
}

/**
 * Encodes a start line and header fields with the final empty line.
 *
 * @throws {SyntaxError} A field contains a line end, which would allow header injection.
 */
export function encodeHead(startLine: string, fields: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const lines = [startLine, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)];
  const forged = lines.find((line) => /[\r\n\0]/.test(line));
  if (forged !== undefined) {
    throw new SyntaxError(`Cannot send header line ${JSON.stringify(forged)}: it contains a line end`);
  }
  return utf8(`${lines.join("\r\n")}\r\n\r\n`);
}
