import { concat, toBytes, utf8 } from "../base/bytes.ts";

/** An answer with a whole body. */
export interface HttpResponse {
  /** The status code (RFC 9110, section 15). */
  readonly status: number;
  /** Fields beside `Content-Length` and `Connection`, which follow from the rest. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The body; its length is told even where it is left out. */
  readonly body?: Uint8Array | string;
  /** Whether the connection stays for another request. */
  readonly isKeptAlive?: boolean;
  /** The answer to a HEAD: the same fields, no body (RFC 9110, section 9.3.2). */
  readonly isHead?: boolean;
}

const REASONS: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  304: "Not Modified",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/** The words for a status code (RFC 9110, section 15). */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? "";
}

/** The answer as it goes over the wire (RFC 9112, section 4). */
export function encodeResponse(response: HttpResponse): Uint8Array {
  const body = toBytes(response.body ?? "");
  const head = encodeHead(`HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}`, {
    ...response.fields,
    // No body belongs to these, so no length either (RFC 9110, section 8.6).
    ...(response.status === 304 || response.status < 200 ? {} : { "Content-Length": String(body.length) }),
    ...(response.fields?.["Connection"] === undefined
      ? { Connection: response.isKeptAlive ? "keep-alive" : "close" }
      : {}),
  });
  return response.isHead || body.length === 0 ? head : concat([head, body]);
}

/**
 * A start line and header fields, with the empty line that ends them.
 *
 * @throws {SyntaxError} A field holds a line end, which would forge another.
 */
export function encodeHead(startLine: string, fields: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const lines = [startLine, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`)];
  const forged = lines.find((line) => /[\r\n\0]/.test(line));
  if (forged !== undefined) {
    throw new SyntaxError(`Cannot send header line ${JSON.stringify(forged)}: it holds a line end`);
  }
  return utf8(`${lines.join("\r\n")}\r\n\r\n`);
}
