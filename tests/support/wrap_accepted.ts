import { Logger } from "../../src/log/logger.ts";
import type { Layer, Layered } from "../../src/net/layer.ts";
import type { Transport } from "../../src/net/transport.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";

/** Puts a layer over a connection that was accepted. */
export function wrapAccepted(layer: Layer, conn: Transport): Promise<Layered> {
  const end = parseEndpoint("tls://127.0.0.1:1");
  const peer = { remote: end, local: end, log: Logger.of("test") };
  return layer.wrap(conn, peer, { signal: new AbortController().signal, timeoutMs: 20_000 });
}
