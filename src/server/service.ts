import type { HttpRoutes } from "../http/router.ts";
import type { Connection } from "../net/connection.ts";
import type { Session } from "../session/session.ts";

/** What a server runs for each client. */
export interface Service {
  /**
   * Talks to one client, from greeting to end. When it returns, what it queued
   * is sent and the connection is closed in order; when it throws, the
   * connection is closed at once. A service that forwards bytes may use the
   * connection itself in place of a stream's session.
   */
  serve(session: Session, connection: Connection): Promise<void>;
  /** WebSocket subprotocols that it speaks, the preferred one first (RFC 6455, section 1.9). */
  readonly subprotocols?: readonly string[];
  /** What a browser finds on its WebSocket endpoints by plain HTTP: its page, for example. */
  readonly routes?: HttpRoutes;
  /** Whether it resets connections, which must be opened in another way for that. */
  readonly resetsConnections?: boolean;
  /** Why it cannot do its work now, for `/healthz`; `undefined` if it can. */
  readonly fault?: string | undefined;
  /** The server is ending: tell the clients. Each session is drained afterwards, unless it returns `true`. */
  drain?(): boolean | void;
  /**
   * Checks, once it has been served to the end, that its clients did what they should.
   *
   * @throws {Error} They did not.
   */
  assertPassed?(): void;
  /** The last session has ended. */
  [Symbol.asyncDispose]?(): Promise<void>;
}
