/**
 * WebSocket: the server completes the opening handshake (RFC 6455, section 4) with the expected status and
 * subprotocol, and does not close the connection at once.
 *
 * @module
 */

import { isUtf8 } from "node:buffer";
import { ClosedEarlyError, UpgradeError } from "../base/errors.ts";
import { closeFrameText, leave } from "../websocket/close_frame.ts";
import { openWebSocket } from "../websocket/dial.ts";
import { BannerMatcher } from "./banner.ts";
import { headerFields, isInStatusRanges } from "./content.ts";
import { type Facts, type ProbeContext, unexpected } from "./probe.ts";
import { assertStable, stableForMs } from "./stable.ts";
import { boundedConnect, openWire } from "./wire.ts";

const SWITCHING_PROTOCOLS = 101;

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, expected, deadline } = context;
  const { text, endpoint } = target;
  if (endpoint === undefined) throw new TypeError(`Cannot probe "${text}" by WebSocket`);
  const statuses = expected.status ?? String(SWITCHING_PROTOCOLS);
  const subprotocols = expected.subprotocols ?? [];
  await using wire = await openWire(context);
  const options = {
    ...boundedConnect(context.connect, deadline),
    subprotocols,
    headers: Object.entries(headerFields(expected.headers ?? [])),
  };
  const opened = await openWebSocket(wire.connection, endpoint, options).catch((error: unknown) => {
    if (error instanceof UpgradeError && isInStatusRanges(statuses, error.status)) return error.status;
    throw error;
  });
  if (typeof opened !== "object") return opened === undefined ? {} : { status: opened };
  try {
    if (!isInStatusRanges(statuses, SWITCHING_PROTOCOLS)) throw unexpected(target, `answered 101, not ${statuses}`);
    const { subprotocol } = opened;
    if (subprotocols.length > 0 && subprotocol === undefined) {
      throw unexpected(target, `agreed on none of the subprotocols ${subprotocols.join(", ")}`);
    }
    if (expected.send !== undefined) {
      // The server would close the connection over a text message that is not UTF-8 (RFC 6455, section 5.6).
      if (!isUtf8(expected.send)) throw new SyntaxError(`Cannot send a text message to ${text}: invalid UTF-8`);
      await opened.write(expected.send, true);
    }
    const facts = { status: SWITCHING_PROTOCOLS, ...(subprotocol === undefined ? {} : { subprotocol }) };
    const receive = async (ms?: number) => (await opened.receive(deadline.wait(ms)))?.[0]?.data ?? null;
    const banner = expected.banner && await new BannerMatcher(expected.banner, text).read(receive);
    await assertStable(
      receive,
      stableForMs(expected),
      () => new ClosedEarlyError(`${text} closed the WebSocket at once${closeFrameText(opened)}`, { endpoint: text }),
    );
    return banner === undefined ? facts : { ...facts, banner };
  } finally {
    await leave(opened);
  }
}
