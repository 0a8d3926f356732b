import { ClosedEarlyError, ParleyError, UpgradeError } from "../../../base/errors.ts";
import { connect } from "../../../factory.ts";
import type { Deadline } from "../../../net/deadline.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../../net/endpoint.ts";
import { openWebSocket } from "../../../serve/websocket/dial.ts";
import { closeFrameText, leave } from "../close_frame.ts";
import { probeConnectOptions } from "./connect_options.ts";
import { FirstWords } from "./first_words.ts";
import type { Expectations, Facts } from "./probe.ts";
import { assertStable, stableForMs } from "./stable.ts";
import { assertTls } from "./tls_probe.ts";

const SWITCHING_PROTOCOLS = 101;

/** Goes through the opening handshake on one connection, and sees TLS, the status, the subprotocol and that the server stays. */
export async function probeWebSocket(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  if (!isHostEndpoint(endpoint)) throw new SyntaxError(`Cannot check ${formatEndpoint(endpoint)} by WebSocket`);
  const text = formatEndpoint(endpoint);
  const { subprotocols, status } = expected;
  const wrong = (what: string) => new ParleyError(`${text} ${what}`, { endpoint: text });
  const options = { ...probeConnectOptions(expected, deadline), subprotocols };
  await using connection = await connect(endpoint, options);
  const tls = connection.tls === undefined ? {} : assertTls(connection.tls, expected, text);
  const session = await openWebSocket(connection, endpoint, options).catch((error: unknown) => {
    if (error instanceof UpgradeError && error.status === status) return undefined;
    throw error;
  });
  if (session === undefined) return { ...tls, status };
  try {
    if (status !== SWITCHING_PROTOCOLS) throw wrong(`answered 101, not ${status}`);
    const { subprotocol } = session;
    if (subprotocols.length > 0 && subprotocol === undefined) {
      throw wrong(`agreed on none of the subprotocols ${subprotocols.join(", ")}`);
    }
    if (expected.send !== undefined) await session.write(expected.send, true);
    const facts = { ...tls, status, ...(subprotocol === undefined ? {} : { subprotocol }) };
    const receive = async (ms?: number) => (await session.receive(deadline.wait(ms)))?.[0]?.data ?? null;
    const banner = expected.banner && await new FirstWords(expected.banner, text).read(receive);
    await assertStable(
      receive,
      stableForMs(expected),
      deadline,
      () => new ClosedEarlyError(`${text} closed the WebSocket at once${closeFrameText(session)}`, { endpoint: text }),
    );
    return banner === undefined ? facts : { ...facts, banner };
  } finally {
    await leave(session);
  }
}
