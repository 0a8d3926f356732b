import type { HttpRoutes } from "../http/router.ts";
import type { Connection } from "../net/connection.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Session } from "../session/session.ts";

/** A service that a server runs for each client. */
export interface Service {
  /**
   * Serves one client. When it returns, queued messages are sent and the connection is closed gracefully; when it
   * throws, the connection is closed immediately. A service that forwards bytes may use the connection directly instead
   * of the session.
   */
  serve(session: Session, connection: Connection): Promise<void>;
  /** Supported WebSocket subprotocols in order of preference (RFC 6455, section 1.9). */
  readonly subprotocols?: readonly string[] | undefined;
  /** Responses of its WebSocket endpoints to plain HTTP, for example a page. */
  readonly routes?: HttpRoutes | undefined;
  /** Whether it resets connections, which must be opened accordingly. */
  readonly resetsConnections?: boolean | undefined;
  /** Why it is not ready, for `/healthz`; `undefined` if it is. */
  readonly fault?: string | undefined;
  /** Called before the first client, with the endpoints that the server listens on. */
  listening?(endpoints: readonly Endpoint[]): void;
  /** Called at shutdown, to notify the clients. Each session is drained afterwards, unless it returns `true`. */
  drain?(): boolean | void;
  /**
   * Called at the end; checks that its clients behaved as expected.
   *
   * @throws {Error} They did not behave as expected.
   */
  assertPassed?(): void;
  /** Called after the last session has ended. */
  [Symbol.asyncDispose]?(): Promise<void>;
}
