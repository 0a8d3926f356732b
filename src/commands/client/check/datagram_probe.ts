import { preview, utf8 } from "../../../base/bytes.ts";
import { RefusedError, TimeoutError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { bindSender, resolveTarget } from "../../../datagram/sender.ts";
import type { Deadline } from "../../../net/deadline.ts";
import { probePort } from "../../../net/datagram_probe.ts";
import { isFrom } from "../../../net/datagram.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";
import { FirstWords } from "./first_words.ts";
import type { Expectations, Facts } from "./probe.ts";

/** A datagram may be lost: it is sent again, in increasing intervals. */
const RESEND_MS = 200;

/** Sends a datagram and waits for a reply: a successful send proves nothing. */
export async function probeDatagram(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  const text = formatEndpoint(endpoint);
  const timeoutMs = deadline.remainingMs;
  const target = await resolveTarget(endpoint, deadline.wait().signal);
  await using socket = await bindSender(target, undefined, { context: "check" });
  const data = expected.send ?? utf8("\n");
  for (let waitMs = RESEND_MS; deadline.remainingMs > 0; waitMs *= 2) {
    await socket.send(data, target);
    const reply = await replyWithin(() => socket.receive(deadline.wait(waitMs)), target);
    if (reply === undefined) {
      // After a send: on a network that is down, every port looks closed. Rarely: while it is checked, the port is
      // bound, and the server that is waited for cannot bind it.
      if (!expected.isPolling || deadline.remainingMs === 0) assertOpen(target, text);
      continue;
    }
    const banner = expected.banner && await new FirstWords(expected.banner, text).read(once(reply));
    return { reply: banner ?? preview(reply, 80), bytes: reply.length };
  }
  throw new TimeoutError("reply", `${text} did not answer within ${formatDuration(Math.round(timeoutMs))}`, {
    endpoint: text,
  });
}

/** @throws {RefusedError} The port is closed. */
function assertOpen(target: Endpoint, text: string): void {
  if (probePort(target) === "closed") {
    throw new RefusedError(`${text} is closed: nothing is bound to the port`, { endpoint: text });
  }
}

/** The next datagram of the target; `undefined` when none came in time. */
async function replyWithin(
  receive: () => Promise<{ data: Uint8Array; from: Endpoint | null } | null>,
  target: Endpoint,
): Promise<Uint8Array | undefined> {
  try {
    for (let datagram = await receive(); datagram !== null; datagram = await receive()) {
      if (isFrom(target, datagram.from)) return datagram.data;
    }
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
  return undefined;
}

/** The reply, and then its end: an answer of one datagram has no more to come. */
function once(reply: Uint8Array): () => Promise<Uint8Array | null> {
  let left: Uint8Array | null = reply;
  return () => {
    const next = left;
    left = null;
    return Promise.resolve(next);
  };
}
