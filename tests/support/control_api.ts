import { formatHostPort, isHostEndpoint } from "../../src/net/endpoint.ts";
import { listen } from "@parley/parley";
import { controlRoutes } from "../../src/relay/control/api.ts";
import { ProxySet } from "../../src/relay/control/proxy_set.ts";
import { startRelay } from "../../src/relay/relay.ts";
import { HttpServer } from "../../src/server/http_server.ts";

/** A control API that is being served. */
interface ServedControl extends AsyncDisposable {
  readonly url: string;
  readonly proxies: ProxySet;
}

/** Serves a control API without proxies. */
export async function serveControl(): Promise<ServedControl> {
  const owner = new AsyncDisposableStack();
  const proxies = owner.use(new ProxySet((at, to, options) => startRelay(at, to, options), () => 1));
  const listener = await listen("tcp://127.0.0.1:0");
  owner.use(new HttpServer(listener, controlRoutes(proxies, "1.2.3")));
  const { endpoint } = listener;
  const host = isHostEndpoint(endpoint) ? formatHostPort(endpoint.host, endpoint.port) : "";
  return { url: `http://${host}`, proxies, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}
