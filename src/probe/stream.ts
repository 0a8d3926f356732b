/**
 * TCP, TLS and Unix sockets: the server accepts the connection and does not close it at once.
 *
 * @module
 */

import { ClosedEarlyError } from "../base/errors.ts";
import { isHostEndpoint } from "../net/endpoint.ts";
import { BannerMatcher } from "./banner.ts";
import type { Facts, ProbeContext } from "./probe.ts";
import { assertStable, stableForMs } from "./stable.ts";
import { openWire } from "./wire.ts";

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target: { text }, expected, deadline } = context;
  await using wire = await openWire(context);
  const { connection } = wire;
  const facts: Facts = isHostEndpoint(connection.remote) ? { address: connection.remote.host } : {};
  if (expected.send !== undefined) await connection.write(expected.send);
  const read = (ms?: number) => connection.read(deadline.wait(ms));
  const banner = expected.banner && await new BannerMatcher(expected.banner, text).read(read);
  await assertStable(
    read,
    stableForMs(expected),
    () => new ClosedEarlyError(`${text} accepted the connection and closed it at once`, { endpoint: text }),
  );
  return banner === undefined ? facts : { ...facts, banner };
}
