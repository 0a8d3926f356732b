/**
 * UDP and Unix datagrams: the server answers. That a datagram can be sent proves nothing.
 *
 * @module
 */

import { preview, utf8 } from "../base/bytes.ts";
import { RefusedError, TimeoutError } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import { bindSender, resolveTarget } from "../datagram/sender.ts";
import { type DatagramSocket, isFrom } from "../net/datagram.ts";
import { probePort } from "../net/datagram_probe.ts";
import { Deadline } from "../net/deadline.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { BannerMatcher } from "./banner.ts";
import type { Facts, ProbeContext } from "./probe.ts";

/** A datagram may be lost, so it is sent again, at growing intervals. */
const RESEND_MS = 200;

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target: { text, endpoint }, expected } = context;
  if (endpoint === undefined) throw new TypeError(`Cannot probe "${text}" by datagrams`);
  const reply = await askByDatagram(context, endpoint, expected.send ?? utf8("\n"));
  const banner = expected.banner && await new BannerMatcher(expected.banner, text).read(once(reply));
  return { reply: banner ?? preview(reply, 80), bytes: reply.length };
}

/**
 * Sends a datagram until the endpoint answers; other datagrams are ignored.
 *
 * @throws {RefusedError} The port is closed.
 * @throws {TimeoutError} There was no answer.
 */
export async function askByDatagram(
  { target: { text }, deadline, isPolling, connect: { dialer } }: ProbeContext,
  endpoint: Endpoint,
  data: Uint8Array,
  isAnswer: (data: Uint8Array) => boolean = () => true,
): Promise<Uint8Array> {
  const timeoutMs = deadline.remainingMs;
  const { signal } = deadline.wait();
  const to = await resolveTarget(endpoint, signal, dialer);
  await using socket = await bindSender(to, undefined, { context: "check", dialer, signal });
  for (let waitMs = RESEND_MS; deadline.remainingMs > 0; waitMs *= 2) {
    await socket.send(data, to);
    const within = new Deadline(Math.min(waitMs, deadline.remainingMs), signal);
    const answer = await answerWithin(() => socket.receive(within.wait()), to, isAnswer);
    if (answer !== undefined) return answer.slice();
    // Only after a send, since every port looks closed on a network that is down. Only in the last attempt, since
    // this binds the port for a moment, and the server that is about to start could not bind it.
    if (!isPolling || deadline.remainingMs === 0) assertOpen(to, socket, text);
  }
  const time = formatDuration(Math.round(timeoutMs));
  throw new TimeoutError("reply", `${text} did not answer within ${time}`, { endpoint: text });
}

/** @throws {RefusedError} The port is closed. */
function assertOpen(target: Endpoint, socket: DatagramSocket, text: string): void {
  if (probePort(target, socket) === "closed") {
    throw new RefusedError(`${text} is closed: nothing is bound to the port`, { endpoint: text });
  }
}

/** The next answer of the target; `undefined` on timeout. */
async function answerWithin(
  receive: () => Promise<{ data: Uint8Array; from: Endpoint | null } | null>,
  target: Endpoint,
  isAnswer: (data: Uint8Array) => boolean,
): Promise<Uint8Array | undefined> {
  try {
    for (let datagram = await receive(); datagram !== null; datagram = await receive()) {
      if (isFrom(target, datagram.from) && isAnswer(datagram.data)) return datagram.data;
    }
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
  return undefined;
}

/** Returns the reply, then `null`: one datagram is the whole answer. */
function once(reply: Uint8Array): () => Promise<Uint8Array | null> {
  let left: Uint8Array | null = reply;
  return () => {
    const next = left;
    left = null;
    return Promise.resolve(next);
  };
}
