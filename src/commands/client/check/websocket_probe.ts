import { ParleyError, UpgradeError } from "../../../base/errors.ts";
import { connect } from "../../../factory.ts";
import { rawCodec } from "../../../framing/mod.ts";
import type { Deadline } from "../../../net/deadline.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";
import { dialSession } from "../../../serve/dial_session.ts";
import { probeConnectOptions } from "./connect_options.ts";
import type { Expectations, Facts } from "./probe.ts";
import { FirstWords } from "./first_words.ts";
import { leave } from "../close_frame.ts";
import { judgeTls } from "./tls_probe.ts";

const SWITCHING_PROTOCOLS = 101;

/** Goes through the opening handshake, and sees the status, the subprotocol and the first message. */
export async function probeWebSocket(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  const tls = endpoint.scheme === "wss" ? await probeTls(endpoint, expected, deadline) : {};
  return { ...tls, ...await probeUpgrade(endpoint, expected, deadline) };
}

async function probeUpgrade(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  const text = formatEndpoint(endpoint);
  const { subprotocols, status } = expected;
  try {
    const session = await dialSession(endpoint, rawCodec, { ...probeConnectOptions(expected, deadline), subprotocols });
    try {
      if (status !== SWITCHING_PROTOCOLS) {
        throw new ParleyError(`${text} answered 101, not ${status}`, { endpoint: text });
      }
      const { subprotocol } = session;
      if (subprotocols.length > 0 && subprotocol === undefined) {
        throw new ParleyError(`${text} agreed on none of the subprotocols ${subprotocols.join(", ")}`, {
          endpoint: text,
        });
      }
      if (expected.send !== undefined) await session.write(expected.send, true);
      const banner = expected.banner === undefined ? {} : {
        banner: await new FirstWords(expected.banner, text).read(() => firstBytes(session.receive(deadline.wait()))),
      };
      return { status: SWITCHING_PROTOCOLS, ...(subprotocol === undefined ? {} : { subprotocol }), ...banner };
    } finally {
      await leave(session);
    }
  } catch (error) {
    if (error instanceof UpgradeError && error.status === status) return { status };
    throw error;
  }
}

async function firstBytes(receiving: Promise<readonly { data: Uint8Array }[] | null>): Promise<Uint8Array | null> {
  return (await receiving)?.[0]?.data ?? null;
}

/** A connection of its own: the session does not tell what its TLS agreed on. */
async function probeTls(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  await using connection = await connect(endpoint, probeConnectOptions(expected, deadline));
  return connection.tls === undefined ? {} : judgeTls(connection.tls, expected, formatEndpoint(endpoint));
}
