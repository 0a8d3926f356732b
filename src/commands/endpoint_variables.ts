import { type Endpoint, formatEndpoint, isHostEndpoint } from "../net/endpoint.ts";

/** Environment variables of a command that name its endpoint. */
export function endpointVariables(endpoint: Endpoint): Record<string, string> {
  return {
    PARLEY_ENDPOINT: formatEndpoint(endpoint),
    ...(isHostEndpoint(endpoint) ? { PARLEY_HOST: endpoint.host, PARLEY_PORT: String(endpoint.port) } : {}),
  };
}
