/**
 * For tests: services of `parley-server` in the test's own process on a free port, servers that follow a script, and a
 * relay that simulates a bad network.
 *
 * @module
 */

import "./log/logtape.ts";
import { DEFAULTS } from "./base/defaults.ts";
import { UsageError } from "./base/errors.ts";
import { parseDuration } from "./base/units.ts";
import { parseFlags } from "./cli/parse_flags.ts";
import { parseFraming } from "./framing/parse_framing.ts";
import { Logger } from "./log/logger.ts";
import type { Endpoint, HostEndpoint, HostEndpointText } from "./net/endpoint.ts";
import { type RunningServer, serve, type ServeOptions } from "./server/serve.ts";
import { SERVICES } from "./services/registry.ts";
import { loadService } from "./services/service.ts";

export { type Relay, type RelayOptions, startRelay } from "./relay/mod.ts";
export { mock, type MockScript, type RunningMock, type StartMockOptions } from "./script/mod.ts";
export type { RunningServer, ServeOptions } from "./server/serve.ts";

/** Options of {@linkcode startService}. */
export interface StartServiceOptions extends ServeOptions {
  /**
   * The endpoint to listen on.
   *
   * @default {"tcp://127.0.0.1:0"}
   */
  endpoints?: string | Endpoint | readonly (string | Endpoint)[];
}

/**
 * Starts a service of `parley-server` by name, with its flags; what all services have in common, such as `framing`,
 * are options.
 *
 * @example A server for a test
 * ```ts
 * import { dial } from "@parley/parley";
 * import { startService } from "@parley/parley/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await startService("reply", ["--text", "echo: {message}"]);
 * await using client = await dial(server.endpoint);
 * client.send("hello");
 * for await (const message of client) {
 *   assertEquals(message.text(), "echo: hello");
 *   break;
 * }
 * ```
 *
 * @throws {UsageError} The service or a flag is unknown.
 */
export function startService(
  name: string,
  flags?: readonly string[],
  options?: StartServiceOptions & { endpoints?: HostEndpointText | HostEndpoint },
): Promise<RunningServer<HostEndpoint>>;
/** Starts it on one or several endpoints of any stream kind. */
export function startService(
  name: string,
  flags: readonly string[],
  options: StartServiceOptions,
): Promise<RunningServer>;
export async function startService(
  name: string,
  flags: readonly string[] = [],
  { endpoints = "tcp://127.0.0.1:0", ...options }: StartServiceOptions = {},
): Promise<RunningServer> {
  const entry = SERVICES.find((entry) => entry.name === name);
  if (entry === undefined) throw new UsageError(`Cannot start "${name}": unknown service`);
  const definition = await loadService(entry);
  const { flags: values } = parseFlags(flags, definition.flags);
  const { authenticator, logInTimeout = DEFAULTS.logInTimeoutMs, ...rest } = options;
  const framing = options.framing ?? parseFraming(definition.framing(values), { maxBytes: definition.maxMessageBytes });
  const codec = typeof framing === "string" ? parseFraming(framing) : framing;
  const service = await definition.create(values, {
    log: Logger.of(name),
    authenticator,
    logInTimeoutMs: parseDuration(logInTimeout),
    codec,
  });
  // A service that handles logins itself must not require another one.
  const logIn = authenticator === undefined || definition.asksForLogIn ? {} : { authenticator, logInTimeout };
  return await serve(endpoints, service, { context: name, ...rest, ...logIn, framing: codec });
}
