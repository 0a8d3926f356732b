import type { Deadline } from "../../../net/deadline.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";
import { probeStream } from "./stream_probe.ts";

/** What a probe learned, for people and programs. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What must hold, beside that somebody is there. */
export interface Expectations {
  /** What the peer says first must match. */
  readonly banner: RegExp | undefined;
  /** The peer must keep the connection open that long, in milliseconds, or send something. */
  readonly holdMs: number;
}

/**
 * Looks once whether an endpoint is as expected.
 *
 * @throws {ParleyError} It is not, or nobody is there.
 */
export type Probe = (endpoint: Endpoint, expected: Expectations, deadline: Deadline) => Promise<Facts>;

const PROBES: Readonly<Partial<Record<Endpoint["scheme"], Probe>>> = {
  tcp: probeStream,
  unix: probeStream,
};

/**
 * The probe for an endpoint's transport.
 *
 * @throws {SyntaxError} There is none.
 */
export function probeFor(endpoint: Endpoint): Probe {
  const probe = PROBES[endpoint.scheme];
  if (probe) return probe;
  const known = Object.keys(PROBES).join(", ");
  throw new SyntaxError(`Cannot check "${formatEndpoint(endpoint)}": known are ${known}`);
}
