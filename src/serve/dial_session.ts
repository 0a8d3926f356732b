import { connect, type ConnectOptions } from "../factory.ts";
import type { Codec } from "../framing/codec.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Session } from "./session.ts";
import { StreamSession } from "./stream_session.ts";

/** The client's side of a session: connects, and cuts the stream into messages. */
export async function dialSession(
  endpoint: string | Endpoint,
  codec: Codec,
  options: ConnectOptions = {},
): Promise<Session> {
  return new StreamSession(await connect(endpoint, options), codec, { answersBadMessages: false });
}
