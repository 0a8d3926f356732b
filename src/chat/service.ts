import { DEFAULTS } from "../base/defaults.ts";
import { type Duration, parseDuration } from "../base/units.ts";
import type { Authenticator } from "../guard/authenticator.ts";
import type { HttpRoutes } from "../http/router.ts";
import { Logger } from "../log/logger.ts";
import type { Service } from "../server/service.ts";
import type { PingOptions } from "../websocket/pinger.ts";
import { runChatSession } from "./chat_session.ts";
import type { Directory } from "./directory.ts";
import type { History, Retention } from "./history.ts";
import { createMemoryHistory } from "./history_memory.ts";
import { JSON_SUBPROTOCOL } from "./event_format.ts";
import { Hub } from "./hub.ts";
import { MessageRates } from "./message_rate.ts";

/** Default number of messages per room in memory. */
export const MEMORY_MESSAGES = 1_000;

/** Options of {@linkcode createChat}. */
export interface ChatOptions {
  /**
   * Retention of messages in memory.
   *
   * @default {1000 messages of each room, and 256 MiB in all}
   */
  retention?: Partial<Retention>;
  /**
   * Maximum rooms.
   *
   * @default {10000}
   */
  maxRooms?: number;
  /** Message of the day, in lines. */
  motd?: readonly string[];
  /** The authenticator; if set, login is required. */
  authenticator?: Authenticator | undefined;
  /**
   * Time limit for the login.
   *
   * @default {"10s"}
   */
  logInTimeout?: Duration;
  /**
   * Messages per second and client; 0 for no limit.
   *
   * @default {2, without a limit on loopback}
   */
  messageRate?: number | undefined;
  /**
   * Maximum burst of messages.
   *
   * @default {5}
   */
  messageBurst?: number;
  /** Ping settings for JSON clients over a stream; no pings by default. */
  pings?: PingOptions;
  /** Responses of WebSocket endpoints to plain HTTP, such as a page. */
  routes?: HttpRoutes;
  /** Carries the context. */
  log?: Logger;
}

/** Options of {@linkcode createChatService}. */
interface ChatServiceOptions extends ChatOptions {
  /** The message history; the service disposes of it. */
  readonly history: History;
  /** The directory of the cluster; the service disposes of it. */
  readonly directory?: Directory;
}

/**
 * A chat service for `serve()`: text lines, and JSON over WebSocket with the subprotocol `parley.v1`.
 *
 * @example A chat in a program of your own
 * ```ts
 * import { dial } from "@parley/parley";
 * import { createChat } from "@parley/parley/chat";
 * import { serve } from "@parley/parley/server";
 * import { assertStringIncludes } from "@std/assert";
 *
 * await using server = await serve("tcp://127.0.0.1:0", await createChat());
 * await using client = await dial(server.endpoint);
 * for await (const message of client) {
 *   assertStringIncludes(message.text(), "Welcome");
 *   break;
 * }
 * ```
 */
export async function createChat(options: ChatOptions = {}): Promise<Service> {
  const retention = { maxMessages: MEMORY_MESSAGES, maxRooms: options.maxRooms, ...options.retention };
  return await createChatService({ ...options, history: createMemoryHistory({ retention }) });
}

/** Creates a chat service with any history, also for a cluster. */
export async function createChatService(options: ChatServiceOptions): Promise<Service> {
  const { messageRate: perSecond, messageBurst: burst = 5 } = options;
  const hub = new Hub({ ...options, log: options.log ?? Logger.of("chat") });
  await hub.start();
  const conversation = {
    rates: new MessageRates({ perSecond, burst }),
    logInTimeoutMs: parseDuration(options.logInTimeout ?? DEFAULTS.logInTimeoutMs),
    pings: options.pings,
  };
  return {
    subprotocols: [JSON_SUBPROTOCOL],
    ...(options.routes === undefined ? {} : { routes: options.routes }),
    serve: (session) => runChatSession(hub, session, conversation),
    get fault() {
      return hub.fault;
    },
    drain: () => hub.drain(),
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}
