import { preview } from "../../../base/bytes.ts";
import { ClosedEarlyError, ParleyError, TimeoutError } from "../../../base/errors.ts";
import { connect } from "../../../factory.ts";
import type { Connection } from "../../../net/connection.ts";
import type { Deadline } from "../../../net/deadline.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../../net/endpoint.ts";
import type { Expectations, Facts } from "./probe.ts";

/** No banner is longer: what has not matched by then will not. */
const BANNER_BYTES = 16 * 1024;

/** Connects by TCP or to a Unix socket, and sees that the peer stays. */
export async function probeStream(endpoint: Endpoint, expected: Expectations, deadline: Deadline): Promise<Facts> {
  const { timeoutMs = 0, signal } = deadline.wait();
  await using connection = await connect(endpoint, {
    context: "check",
    connectTimeout: timeoutMs,
    resolveTimeout: timeoutMs,
    ...(signal ? { signal } : {}),
  });
  const address = isHostEndpoint(connection.remote) ? { address: connection.remote.host } : {};
  return { ...address, ...await probeOpen(connection, expected, deadline) };
}

/** What is asked of a connection once it is open, whatever carries it. */
export async function probeOpen(
  connection: Connection,
  expected: Expectations,
  deadline: Deadline,
): Promise<Facts> {
  if (expected.banner !== undefined) return { banner: await readBanner(connection, expected.banner, deadline) };
  await seeThatItStays(connection, deadline, expected.holdMs);
  return {};
}

/**
 * A proxy in front of a dead service accepts the connection and closes it at
 * once: that is not "up".
 */
async function seeThatItStays(connection: Connection, deadline: Deadline, holdMs: number): Promise<void> {
  if (holdMs === 0) return;
  try {
    if (await connection.read(deadline.wait(holdMs)) !== null) return;
  } catch (error) {
    if (error instanceof TimeoutError) return;
    throw error;
  }
  const endpoint = formatEndpoint(connection.remote);
  throw new ClosedEarlyError(`${endpoint} accepted the connection and closed it at once`, { endpoint });
}

async function readBanner(connection: Connection, wanted: RegExp, deadline: Deadline): Promise<string> {
  const endpoint = formatEndpoint(connection.remote);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    let bytes: Uint8Array | null;
    try {
      bytes = await connection.read(deadline.wait());
    } catch (error) {
      if (!(error instanceof TimeoutError) || text === "") throw error;
      throw mismatch(endpoint, text, wanted);
    }
    if (bytes === null) {
      if (text !== "") throw mismatch(endpoint, text, wanted);
      throw new ClosedEarlyError(`${endpoint} closed the connection before its banner`, { endpoint });
    }
    text += decoder.decode(bytes, { stream: true });
    if (wanted.test(text)) return (text.split(/\r?\n/)[0] ?? "").slice(0, 200);
    if (text.length > BANNER_BYTES) throw mismatch(endpoint, text, wanted);
  }
}

function mismatch(endpoint: string, text: string, wanted: RegExp): ParleyError {
  const shown = preview(new TextEncoder().encode(text), 80);
  return new ParleyError(`The banner of ${endpoint} is "${shown}", which does not match ${wanted}`, { endpoint });
}
