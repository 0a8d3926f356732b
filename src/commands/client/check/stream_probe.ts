import { ClosedEarlyError, TimeoutError } from "../../../base/errors.ts";
import { connect } from "../../../factory.ts";
import type { Connection } from "../../../net/connection.ts";
import type { Deadline } from "../../../net/deadline.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../../net/endpoint.ts";
import { probeConnectOptions } from "./connect_options.ts";
import { FirstWords } from "./first_words.ts";
import type { Expectations, Facts } from "./probe.ts";
import { judgeTls } from "./tls_probe.ts";

/** Connects by TCP, TLS or to a Unix socket, and sees that the peer stays. */
export async function probeStream(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  const text = formatEndpoint(endpoint);
  await using connection = await connect(endpoint, probeConnectOptions(expected, deadline));
  const { remote, tls } = connection;
  const facts: Facts = {
    ...(isHostEndpoint(remote) ? { address: remote.host } : {}),
    ...(tls === undefined ? {} : judgeTls(tls, expected, text)),
  };
  if (expected.send !== undefined) await connection.write(expected.send);
  if (expected.banner === undefined) {
    await seeThatItStays(connection, text, deadline, expected.holdMs);
    return facts;
  }
  return { ...facts, banner: await new FirstWords(expected.banner, text).read(() => connection.read(deadline.wait())) };
}

/**
 * A proxy in front of a dead service accepts the connection and closes it at
 * once: that is not "up".
 */
async function seeThatItStays(
  connection: Connection,
  endpoint: string,
  deadline: Deadline,
  holdMs: number,
): Promise<void> {
  if (holdMs === 0) return;
  try {
    if (await connection.read(deadline.wait(holdMs)) !== null) return;
  } catch (error) {
    if (error instanceof TimeoutError) return;
    throw error;
  }
  throw new ClosedEarlyError(`${endpoint} accepted the connection and closed it at once`, { endpoint });
}
