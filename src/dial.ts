import { connect } from "./factory.ts";
import type { ConnectOptions } from "./net/options.ts";
import type { Codec } from "./framing/codec.ts";
import { parseFraming } from "./framing/parse_framing.ts";
import type { Connection } from "./net/connection.ts";
import { type Endpoint, isWebSocket, parseEndpoint } from "./net/endpoint.ts";
import type { Session } from "./session/session.ts";
import { StreamSession, type StreamSessionOptions } from "./session/stream_session.ts";
import type { WebSocketDialOptions } from "./websocket/dial.ts";

/** Options of {@linkcode dial}; those of WebSocket have no effect on other schemes. */
export interface DialOptions extends ConnectOptions, WebSocketDialOptions {
  /**
   * Framing of messages, as for `--framing`, or a codec. WebSocket does not use it.
   *
   * @default {"line"}
   */
  framing?: string | Codec;
}

/**
 * Connects and opens the client's side of a session, which splits the stream into messages. Over `ws` and `wss` it
 * completes the opening handshake, and messages are those of WebSocket, whatever the framing.
 *
 * @example A line to an echo server, and its answer
 * ```ts
 * import { dial } from "@parley/parley";
 * import { serve } from "@parley/parley/server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve("tcp://127.0.0.1:0", async (session) => {
 *   for await (const message of session) session.send(message.data);
 * });
 * await using session = await dial(server.endpoint, { framing: "line" });
 * session.send("hello");
 * for await (const message of session) {
 *   assertEquals(message.text(), "hello");
 *   break;
 * }
 * ```
 *
 * @throws {UpgradeError} The server answered, but did not upgrade to WebSocket.
 */
export async function dial(endpoint: string | Endpoint, options: DialOptions = {}): Promise<Session> {
  const { framing = "line", ...rest } = options;
  const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
  if (isWebSocket(parsed)) {
    const { dialWebSocket } = await import("./websocket/dial.ts");
    return await dialWebSocket(parsed, rest);
  }
  const codec = typeof framing === "string" ? parseFraming(framing) : framing;
  return openSession(await connect(parsed, rest), codec);
}

/**
 * Opens a session over an open connection, and takes ownership of it.
 *
 * @throws {SyntaxError} The framing is unknown.
 */
export function openSession(
  connection: Connection,
  framing: string | Codec,
  options: StreamSessionOptions = { answersBadMessages: false },
): Session {
  return new StreamSession(connection, typeof framing === "string" ? parseFraming(framing) : framing, options);
}
