import { connect } from "./factory.ts";
import type { ConnectOptions } from "./net/options.ts";
import type { Codec } from "./framing/codec.ts";
import { parseFraming } from "./framing/parse_framing.ts";
import type { Connection } from "./net/connection.ts";
import { type Endpoint, isWebSocket, parseEndpoint } from "./net/endpoint.ts";
import type { Session } from "./session/session.ts";
import { StreamSession, type StreamSessionOptions } from "./session/stream_session.ts";
import type { WebSocketDialOptions } from "./websocket/dial.ts";

/** Options of {@linkcode dial}; those of WebSocket mean nothing elsewhere. */
export interface DialOptions extends ConnectOptions, WebSocketDialOptions {
  /**
   * How messages are told apart, as `--framing` says it, or a codec. WebSocket
   * has messages of its own.
   *
   * @default {"line"}
   */
  framing?: string | Codec;
}

/**
 * The client's side of a session: connects, and cuts the stream into messages.
 * Over `ws` and `wss` it completes the opening handshake, and a message is a
 * WebSocket message, whatever the framing.
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
 * @throws {UpgradeError} The server answered, but not with WebSocket.
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
 * A session over a connection that is open already, dialled or accepted. It
 * takes the connection over.
 *
 * @throws {SyntaxError} No framing has that name.
 */
export function openSession(
  connection: Connection,
  framing: string | Codec,
  options: StreamSessionOptions = { answersBadMessages: false },
): Session {
  return new StreamSession(connection, typeof framing === "string" ? parseFraming(framing) : framing, options);
}
