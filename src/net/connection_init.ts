import type { Logger } from "../log/logger.ts";
import type { ConnectionLimits, DeadlineTimer } from "./deadline_timer.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import type { LayerSetup } from "./layered_transport.ts";

/** What the opener of a connection knows about it. */
export interface ConnectionInit {
  /** A number for log lines, unique among the connections of its listener. */
  id: number;
  /** Our side. */
  local: Endpoint;
  /** The peer's side. */
  remote: Endpoint;
  /** Carries the context. */
  log: Logger;
  /** Deadlines and the outbox limit. */
  limits?: ConnectionLimits;
  /** Every close is a reset, as SO_LINGER with 0 seconds says; the transport must be able to. */
  resetsOnClose?: boolean | undefined;
  /** What is yet to be put over the transport. */
  layers?: LayerSetup | undefined;
  /** Who checks the deadlines; without it there are none. */
  deadlineTimer?: DeadlineTimer | undefined;
}

/** A logger whose every line names the connection, its peer, and the proxy that has reported the peer. */
export function connectionLog(
  log: Logger,
  { id, remote, proxy }: { id: number; remote: Endpoint; proxy: Endpoint | undefined },
): Logger {
  const via = proxy === undefined ? {} : { proxy: formatEndpoint(proxy) };
  return log.with({ connection: id, peer: formatEndpoint(remote), ...via });
}
