import { ClosedEarlyError } from "../../../base/errors.ts";
import { connect } from "../../../factory.ts";
import type { Deadline } from "../../../net/deadline.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../../net/endpoint.ts";
import { probeConnectOptions } from "./connect_options.ts";
import { FirstWords } from "./first_words.ts";
import type { Expectations, Facts } from "./probe.ts";
import { assertStable, stableForMs } from "./stable.ts";
import { assertTls } from "./tls_probe.ts";

/** Connects by TCP, TLS or to a Unix socket, and sees that the peer stays. */
export async function probeStream(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  const text = formatEndpoint(endpoint);
  await using connection = await connect(endpoint, probeConnectOptions(expected, deadline));
  const { remote, tls } = connection;
  const facts: Facts = {
    ...(isHostEndpoint(remote) ? { address: remote.host } : {}),
    ...(tls === undefined ? {} : assertTls(tls, expected, text)),
  };
  if (expected.send !== undefined) await connection.write(expected.send);
  const read = (ms?: number) => connection.read(deadline.wait(ms));
  const banner = expected.banner && await new FirstWords(expected.banner, text).read(read);
  await assertStable(
    read,
    stableForMs(expected),
    deadline,
    () => new ClosedEarlyError(`${text} accepted the connection and closed it at once`, { endpoint: text }),
  );
  return banner === undefined ? facts : { ...facts, banner };
}
