import { formatEndpoint, isHostEndpoint } from "../../net/endpoint.ts";
import type { Session } from "../../session/session.ts";

/**
 * The environment of a client's program: the variables of ucspi-tcp(1) and inetd replacements; for a WebSocket client
 * also those of CGI (RFC 3875, section 4.1), as websocketd sets them.
 */
export function programEnvironment(session: Session): Record<string, string> {
  const { remote, local, request } = session;
  return {
    PARLEY_CONNECTION: String(session.id),
    PARLEY_ENDPOINT: formatEndpoint(local),
    UNIQUE_ID: String(session.id),
    SERVER_SOFTWARE: "parley-server",
    SERVER_PROTOCOL: local.scheme,
    ...(isHostEndpoint(local)
      ? { SERVER_NAME: local.host, SERVER_ADDR: local.host, SERVER_PORT: String(local.port) }
      : {}),
    ...(isHostEndpoint(remote)
      ? { REMOTE_ADDR: remote.host, REMOTE_HOST: remote.host, REMOTE_PORT: String(remote.port) }
      : {}),
    ...(request === undefined ? {} : requestVariables(request, local.scheme === "wss")),
    ...(session.subprotocol === undefined ? {} : { WEBSOCKET_PROTOCOL: session.subprotocol }),
  };
}

function requestVariables(
  { method, path, query, version, host, fields }: NonNullable<Session["request"]>,
  isSecure: boolean,
): Record<string, string> {
  return {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: method,
    REQUEST_URI: query === "" ? path : `${path}?${query}`,
    SCRIPT_NAME: "/",
    PATH_INFO: path,
    QUERY_STRING: query,
    SERVER_PROTOCOL: `HTTP/${version}`,
    ...(host === undefined ? {} : { SERVER_NAME: host.replace(/:\d+$/, "") }),
    ...(isSecure ? { HTTPS: "on" } : {}),
    ...Object.fromEntries(
      // A field "Proxy" would set HTTP_PROXY, which many programs read as a setting (https://httpoxy.org).
      [...fields].filter(([name]) => name !== "proxy").map((
        [name, value],
      ) => [`HTTP_${name.toUpperCase().replaceAll("-", "_")}`, value]),
    ),
  };
}
