import type { PingOptions } from "../../src/websocket/pinger.ts";
import { listen } from "../../src/factory.ts";
import { rawCodec } from "../../src/framing/raw.ts";
import type { Gate } from "../../src/guard/gate.ts";
import { Logger } from "../../src/log/logger.ts";
import { DeadlineTimer } from "../../src/net/deadline_timer.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import { Server } from "../../src/server/server.ts";
import type { Session } from "../../src/session/session.ts";
import { WebSocketAcceptor, type WebSocketAcceptorOptions } from "../../src/websocket/acceptor.ts";
import { echo } from "../../src/services/echo.ts";
import type { Service } from "../../src/server/service.ts";

/** A server in the test's own process. */
export interface RunningServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly server: Server;
  /** Begins the drain; it settles when the server has ended. */
  stop(): Promise<void>;
}

/** What a test may set. */
export interface ServeOptions extends Partial<Omit<WebSocketAcceptorOptions, "pings">> {
  service?: Service;
  pings?: Pick<PingOptions, "interval" | "timeout">;
  /** The path of the endpoint. */
  path?: string;
  drainTimeoutMs?: number;
  gate?: Gate;
}

/** The service echo, as `parley-server echo` makes it. */
async function echoService(): Promise<Service> {
  return await echo.create({ upper: false }, { log: Logger.of("test"), logInTimeoutMs: 10_000 });
}

/** A service that only runs a function. */
export function serviceOf(serve: (session: Session) => Promise<void>, subprotocols: readonly string[] = []): Service {
  return { serve, subprotocols };
}

/** Serves WebSocket on a free port until it is disposed of. */
export async function serveWebSocket(options: ServeOptions = {}): Promise<RunningServer> {
  const { gate, service = await echoService(), pings = { interval: "1m", timeout: "1m" }, ...rest } = options;
  const deadlineTimer = new DeadlineTimer(10);
  const log = Logger.of("test");
  const listener = await listen(`ws://127.0.0.1:0${options.path ?? ""}`, { context: "test", deadlineTimer });
  const server = new Server({
    service,
    listeners: [listener],
    codec: rawCodec,
    log,
    ...(gate === undefined ? {} : { gate }),
    drainTimeoutMs: options.drainTimeoutMs ?? 10_000,
    webSockets: await WebSocketAcceptor.create({
      routes: {},
      subprotocols: service.subprotocols ?? [],
      origins: [],
      maxMessageBytes: 64 * 1024,
      ...rest,
      pings: { ...pings, deadlineTimer },
    }),
  });
  const stop = new AbortController();
  const running = server.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
    deadlineTimer[Symbol.dispose]();
  };
  return { endpoint: formatEndpoint(listener.endpoint), server, stop: end, [Symbol.asyncDispose]: end };
}
