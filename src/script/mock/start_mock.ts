import type { Endpoint, HostEndpoint, HostEndpointText } from "../../net/endpoint.ts";
import { type RunningServer, serve, type ServeOptions } from "../../server/serve.ts";
import type { Service } from "../../server/service.ts";
import { Mock } from "./mock.ts";
import { canReset, type MockScript } from "./mock_script.ts";

/** Options of {@linkcode mock}. */
export interface StartMockOptions extends Omit<ServeOptions, "framing"> {
  /**
   * Strict mode: data skipped by an expectation counts as unmatched, and every script and rule must be used.
   *
   * @default {false}
   */
  isStrict?: boolean | undefined;
  /**
   * Where to listen.
   *
   * @default {"tcp://127.0.0.1:0"}
   */
  endpoints?: string | Endpoint | readonly (string | Endpoint)[];
}

/** A scripted server that runs until it is shut down. */
export interface RunningMock<E extends Endpoint = Endpoint> extends RunningServer<E> {
  /**
   * Shuts the server down and checks that all clients have behaved as the script says.
   *
   * @throws {ExpectationError} The first failure, with the difference.
   */
  verify(): Promise<void>;
}

/**
 * Starts a server that plays a script to each client, on a free port by default.
 *
 * @example A server for the test of a client
 * ```ts
 * import { dial } from "@parley/parley";
 * import { expect, mock, runScript, send } from "@parley/parley/script";
 *
 * await using server = await mock({
 *   framing: "line",
 *   connections: [
 *     { onConnect: [send("220 ready")], steps: [expect(/^EHLO (\w+)$/), send("250 hello {1}")] },
 *     { when: "PING", steps: [send("PONG")] },
 *   ],
 *   expect: { connections: 2 },
 * });
 * await runScript(await dial(server.endpoint), [expect("220"), send("EHLO me"), expect("250 hello me")]);
 * await runScript(await dial(server.endpoint), [send("PING"), expect("PONG")]);
 * await server.verify();
 * ```
 *
 * @throws {SyntaxError} An endpoint or the framing cannot be parsed.
 * @throws {BindError} An address is already in use, not permitted, or not an address of this machine.
 */
export function mock(
  script: MockScript,
  options?: StartMockOptions & { endpoints?: HostEndpointText | HostEndpoint },
): Promise<RunningMock<HostEndpoint>>;
/** Starts it on one or several endpoints of any stream kind. */
export function mock(script: MockScript, options: StartMockOptions): Promise<RunningMock>;
export async function mock(script: MockScript, options: StartMockOptions = {}): Promise<RunningMock> {
  const { endpoints = "tcp://127.0.0.1:0", isStrict, ...rest } = options;
  const played = new Mock(script, { isStrict });
  const server = await serve(endpoints, mockService(played, script), {
    context: "mock",
    framing: script.framing ?? "raw",
    ...rest,
  });
  return {
    ...server,
    async verify() {
      await server.shutdown();
      played.assertPassed();
    },
  };
}

/** The service that plays a script. */
export function mockService(mock: Mock, script: MockScript): Service {
  return {
    serve: (session) => mock.serve(session),
    drain: () => mock.stop(),
    resetsConnections: canReset(script),
  };
}
