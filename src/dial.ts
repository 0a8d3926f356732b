import { connect, type ConnectOptions } from "./factory.ts";
import type { Codec } from "./framing/codec.ts";
import { type Endpoint, parseEndpoint } from "./net/endpoint.ts";
import type { Session } from "./session/session.ts";
import { StreamSession } from "./session/stream_session.ts";
import type { WebSocketDialOptions } from "./websocket/dial.ts";

/** Options of {@linkcode dialSession}; those of WebSocket mean nothing elsewhere. */
export interface DialOptions extends ConnectOptions, WebSocketDialOptions {}

/**
 * The client's side of a session: connects, and cuts the stream into messages
 * by the codec. Over `ws` and `wss` it goes through the opening handshake, and
 * a message is a WebSocket message, whatever the codec.
 *
 * @throws {UpgradeError} The server answered, but not with WebSocket.
 */
export async function dialSession(
  endpoint: string | Endpoint,
  codec: Codec,
  options: DialOptions = {},
): Promise<Session> {
  const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
  if (parsed.scheme === "ws" || parsed.scheme === "wss") {
    const { dialWebSocket } = await import("./websocket/dial.ts");
    return await dialWebSocket(parsed, options);
  }
  return new StreamSession(await connect(parsed, options), codec, { answersBadMessages: false });
}
