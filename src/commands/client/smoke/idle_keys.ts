import { parseEndpoint } from "../../../net/endpoint.ts";
import { hasTls, isWebSocket } from "../idle_flags.ts";
import type { SmokeFile, SmokeTest } from "./schema.ts";

/** What a test says about TLS or WebSocket where its endpoint has none: nothing would ever look at it. */
export function* idleKeys(
  given: SmokeTest,
  defaults: SmokeFile["defaults"] = {},
): Iterable<readonly [path: string[], lacking: string]> {
  const endpoint = parseEndpoint(given.endpoint);
  const { check = {}, tls, subprotocols } = given;
  if (!hasTls(endpoint) && (tls ?? defaults.tls)?.starttls === undefined) {
    if (tls) yield [["tls"], "TLS"];
    if (check["min-days"] !== undefined) yield [["check", "min-days"], "TLS"];
    if (check["min-tls"]) yield [["check", "min-tls"], "TLS"];
  }
  if (!isWebSocket(endpoint)) {
    if (subprotocols) yield [["subprotocols"], "WebSocket"];
    if (check.status) yield [["check", "status"], "WebSocket"];
  }
}
