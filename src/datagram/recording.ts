import { formatHex, parseHex, utf8 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";

/** One line of a recording (JSON Lines). */
export interface RecordedDatagram {
  /** Time of arrival: RFC 3339, in UTC. */
  readonly time: string;
  /** Milliseconds since the recording began, with three decimals. */
  readonly atMs: number;
  /** The sender. */
  readonly from: string | null;
  /** The endpoint that received it. */
  readonly to: string;
  /** Number of recorded bytes. */
  readonly size: number;
  /** Whether it was longer. */
  readonly isTruncated: boolean;
  /** The bytes as text if they are UTF-8. */
  readonly text?: string;
  /** The bytes in hexadecimal otherwise. */
  readonly hex?: string;
}

/** What a recording contains in addition to the bytes. */
export interface RecordedFacts {
  /** Time of arrival, in milliseconds since 1970. */
  timeMs: number;
  atMs: number;
  from: Endpoint | null;
  to: Endpoint;
  isTruncated: boolean;
}

/** A datagram as a recording contains it. */
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

/** `text` if the bytes are UTF-8, `hex` otherwise. */
export function contentOf(data: Uint8Array): { text: string } | { hex: string } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data) };
  } catch {
    // A fatal decoder throws on bytes that are not UTF-8, and only then.
    return { hex: formatHex(data) };
  }
}

/** A datagram to send again. */
export interface ReplayItem {
  /** Milliseconds since the recording began. */
  readonly atMs: number;
  readonly data: Uint8Array;
}

/**
 * The datagrams of a recording, in order.
 *
 * @throws {UsageError} A line is invalid, or there is none: replaying nothing proves nothing.
 */
export function parseRecording(text: string, fileName: string): ReplayItem[] {
  const items = text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [itemOf(JSON.parse(line))];
    } catch (error) {
      throw new UsageError(`${fileName}, line ${index + 1}: expected a datagram recorded with "listen --record"`, {
        cause: error,
      });
    }
  });
  if (items.length === 0) throw new UsageError(`${fileName}: the recording contains no datagrams`);
  return items;
}

function itemOf(value: unknown): ReplayItem {
  if (typeof value !== "object" || value === null || !("atMs" in value) || typeof value.atMs !== "number") {
    throw new SyntaxError("atMs is missing");
  }
  if ("text" in value && typeof value.text === "string") return { atMs: value.atMs, data: utf8(value.text) };
  if ("hex" in value && typeof value.hex === "string") return { atMs: value.atMs, data: parseHex(value.hex) };
  throw new SyntaxError("text or hex is missing");
}
