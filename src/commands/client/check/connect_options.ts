import { parseDuration } from "../../../base/units.ts";
import type { ConnectOptions } from "../../../factory.ts";
import type { Deadline } from "../../../net/deadline.ts";
import type { Expectations } from "./probe.ts";

/** For `connect()`: what the flags say about TLS, and no step longer than what is left of the try. */
export function probeConnectOptions({ connect }: Pick<Expectations, "connect">, deadline: Deadline): ConnectOptions {
  const { timeoutMs = 0, signal } = deadline.wait();
  const handshakeMs = parseDuration(connect.handshakeTimeout ?? timeoutMs);
  return {
    ...connect,
    context: "check",
    connectTimeout: timeoutMs,
    resolveTimeout: timeoutMs,
    handshakeTimeout: Math.min(timeoutMs, handshakeMs),
    ...(signal ? { signal } : {}),
  };
}
