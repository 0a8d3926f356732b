import { formatHex, parseHex, utf8 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";

/** One datagram of a recording; a recording is such objects, one JSON line each. */
export interface RecordedDatagram {
  /** When it came: RFC 3339, in UTC. */
  readonly time: string;
  /** Milliseconds since the recording began, with three digits behind the point. */
  readonly atMs: number;
  /** Who sent it. */
  readonly from: string | null;
  /** Where it came in. */
  readonly to: string;
  /** Bytes that are kept. */
  readonly size: number;
  /** It was longer, and the rest is lost. */
  readonly isTruncated: boolean;
  /** The bytes as text where they are UTF-8. */
  readonly text?: string;
  /** The bytes in hexadecimal where they are not. */
  readonly hex?: string;
}

/** What a recording says of one datagram beside its bytes. */
export interface RecordedFacts {
  /** When it came, in milliseconds since 1970. */
  timeMs: number;
  atMs: number;
  from: Endpoint | null;
  to: Endpoint;
  isTruncated: boolean;
}

/** One datagram as a recording holds it. */
export function recordOf(data: Uint8Array, facts: RecordedFacts): RecordedDatagram {
  return {
    time: new Date(facts.timeMs).toISOString(),
    atMs: Math.round(facts.atMs * 1_000) / 1_000,
    from: facts.from && formatEndpoint(facts.from),
    to: formatEndpoint(facts.to),
    size: data.length,
    isTruncated: facts.isTruncated,
    ...contentOf(data),
  };
}

/** `text` where the bytes are UTF-8, `hex` where they are not. */
export function contentOf(data: Uint8Array): { text: string } | { hex: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data) };
  } catch {
    // Not UTF-8, which is all that a strict decoder says.
    return { hex: formatHex(data) };
  }
}

/** A datagram to send again: when, and what. */
export interface ReplayItem {
  /** Milliseconds since the recording began. */
  readonly atMs: number;
  readonly data: Uint8Array;
}

/**
 * The datagrams of a recording, in its order.
 *
 * @throws {UsageError} Names the line that is none.
 */
export function parseRecording(text: string, fileName: string): ReplayItem[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [itemOf(JSON.parse(line))];
    } catch (error) {
      throw new UsageError(`${fileName}, line ${index + 1}: expected a datagram that "listen --record" wrote`, {
        cause: error,
      });
    }
  });
}

function itemOf(value: unknown): ReplayItem {
  if (typeof value !== "object" || value === null || !("atMs" in value) || typeof value.atMs !== "number") {
    throw new SyntaxError("no atMs");
  }
  if ("text" in value && typeof value.text === "string") return { atMs: value.atMs, data: utf8(value.text) };
  if ("hex" in value && typeof value.hex === "string") return { atMs: value.atMs, data: parseHex(value.hex) };
  throw new SyntaxError("neither text nor hex");
}
