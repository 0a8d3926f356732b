import { textOrHex } from "../base/bytes.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";

/** A datagram as `listen --json` prints it. */
export interface DatagramJson {
  /** Time of arrival: RFC 3339, in UTC. */
  readonly time: string;
  /** Milliseconds since `listen` started, with three decimals. */
  readonly atMs: number;
  /** The sender. */
  readonly from: string | null;
  /** The endpoint that received it. */
  readonly to: string;
  /** Number of bytes. */
  readonly size: number;
  /** Whether the datagram was truncated. */
  readonly isTruncated: boolean;
  /** The bytes as text if they are UTF-8. */
  readonly text?: string;
  /** The bytes in hexadecimal otherwise. */
  readonly hex?: string;
}

/** Properties of a datagram besides its bytes. */
export interface DatagramFacts {
  /** Time of arrival, in milliseconds since 1970. */
  timeMs: number;
  atMs: number;
  from: Endpoint | null;
  to: Endpoint;
  isTruncated: boolean;
}

/** Returns the JSON of a received datagram. */
export function datagramJson(data: Uint8Array, facts: DatagramFacts): DatagramJson {
  return {
    time: new Date(facts.timeMs).toISOString(),
    atMs: Math.round(facts.atMs * 1_000) / 1_000,
    from: facts.from && formatEndpoint(facts.from),
    to: formatEndpoint(facts.to),
    size: data.length,
    isTruncated: facts.isTruncated,
    ...textOrHex(data),
  };
}
