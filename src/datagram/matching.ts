import { equalBytes, toUpperAscii } from "../base/bytes.ts";

/**
 * How a reply finds the datagram that it answers:
 *
 * - `port`: each datagram that waits has a local port of its own, so any reply will do;
 * - `sequence`: the reply holds the datagram's number;
 * - `content`: the reply is the datagram, the case of ASCII letters aside.
 */
export type Matching = "port" | "sequence" | "content";

/** A datagram that waits for its reply. */
export interface Waiting {
  /** Its number, from 1. */
  readonly seq: number;
  /** What was sent. */
  readonly data: Uint8Array;
}

/** The datagram among those waiting on one socket that `reply` answers, or `undefined`. */
export function matchReply<W extends Waiting>(
  matching: Matching,
  waiting: ReadonlyMap<number, W>,
  reply: Uint8Array,
): W | undefined {
  if (matching === "port") return waiting.values().next().value;
  if (matching === "content") {
    const wanted = toUpperAscii(reply);
    return waiting.values().find(({ data }) => equalBytes(toUpperAscii(data), wanted));
  }
  for (const [digits] of new TextDecoder().decode(reply).matchAll(/\d+/g)) {
    const found = waiting.get(Number(digits));
    if (found) return found;
  }
  return undefined;
}
