import { BindError, UsageError } from "../base/errors.ts";
import { isUnspecified } from "../base/ip.ts";
import { listen } from "../factory.ts";
import type { ListenOptions } from "../net/options.ts";
import { type Endpoint, isHostEndpoint, parseEndpoint } from "../net/endpoint.ts";
import type { Listener } from "../net/listener.ts";

/** Listens on every endpoint; the listeners belong to `owner`. */
export async function listenAll(
  endpoints: readonly (string | Endpoint)[],
  options: ListenOptions,
  owner: DisposableStack,
): Promise<Listener[]> {
  const opened: Listener[] = [];
  for (const endpoint of endpoints) opened.push(owner.use(await listenOn(endpoint, opened, options)));
  if (opened.length === 0) throw new UsageError("no endpoint to listen on");
  return opened;
}

/** Explains the conflict between the IPv6 wildcard, which includes IPv4, and the IPv4 wildcard. */
async function listenOn(
  endpoint: string | Endpoint,
  opened: readonly Listener[],
  options: ListenOptions,
): Promise<Listener> {
  try {
    return await listen(endpoint, options);
  } catch (error) {
    if (!(error instanceof BindError) || error.reason !== "in use") throw error;
    const wanted = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
    const isEvery = (other: Endpoint) => isHostEndpoint(other) && isUnspecified(other.host);
    const isCovered = isEvery(wanted) &&
      opened.some(({ endpoint: other }) =>
        isEvery(other) && isHostEndpoint(other) && isHostEndpoint(wanted) && other.port === wanted.port
      );
    if (!isCovered) throw error;
    const message = `${error.message} (listen on [::] only: it includes IPv4)`;
    throw new BindError("in use", message, { endpoint: error.endpoint, cause: error });
  }
}
