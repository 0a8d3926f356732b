import { assertEquals } from "@std/assert";
import { parseEndpoint } from "@parley/parley";
import { programEnvironment } from "../../../src/services/exec/environment.ts";
import type { Session } from "../../../src/session/session.ts";

function environmentOf(session: Partial<Session> & { local: Session["local"]; remote: Session["remote"] }) {
  return programEnvironment({ id: 7, ...session } as Session);
}

const PEER = {
  PARLEY_CONNECTION: "7",
  UNIQUE_ID: "7",
  SERVER_SOFTWARE: "parley-server",
};
const ADDRESSES = {
  SERVER_ADDR: "192.0.2.1",
  SERVER_PORT: "8080",
  REMOTE_ADDR: "2001:db8::1",
  REMOTE_HOST: "2001:db8::1",
  REMOTE_PORT: "40000",
};
const remote = parseEndpoint("tcp://[2001:db8::1]:40000");

Deno.test("programEnvironment() contains the address of a TCP client, and no addresses for a Unix socket", () => {
  assertEquals(environmentOf({ local: parseEndpoint("tcp://192.0.2.1:8080"), remote }), {
    ...PEER,
    ...ADDRESSES,
    PARLEY_ENDPOINT: "tcp://192.0.2.1:8080",
    SERVER_PROTOCOL: "tcp",
    SERVER_NAME: "192.0.2.1",
  });
  const unix = parseEndpoint("unix:/run/a.sock");
  assertEquals(environmentOf({ local: unix, remote: unix }), {
    ...PEER,
    PARLEY_ENDPOINT: "unix:/run/a.sock",
    SERVER_PROTOCOL: "unix",
  });
});

Deno.test("programEnvironment() has the variables of CGI for a WebSocket, all fields but Proxy", () => {
  const request = {
    method: "GET",
    path: "/a",
    query: "",
    version: "1.1",
    host: "chat.example:8080",
    fields: new Map([["x-a-b", "1"], ["proxy", "http://evil"]]),
  } as unknown as NonNullable<Session["request"]>;
  const cgi = {
    ...PEER,
    ...ADDRESSES,
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: "/",
    PATH_INFO: "/a",
    SERVER_PROTOCOL: "HTTP/1.1",
    HTTP_X_A_B: "1",
  };
  assertEquals(environmentOf({ local: parseEndpoint("ws://192.0.2.1:8080"), remote, request }), {
    ...cgi,
    PARLEY_ENDPOINT: "ws://192.0.2.1:8080/",
    REQUEST_URI: "/a",
    QUERY_STRING: "",
    SERVER_NAME: "chat.example",
  });
  const secure = {
    local: parseEndpoint("wss://192.0.2.1:8080"),
    remote,
    request: { ...request, query: "b=c", host: undefined },
    subprotocol: "s.v1",
  };
  assertEquals(environmentOf(secure), {
    ...cgi,
    PARLEY_ENDPOINT: "wss://192.0.2.1:8080/",
    REQUEST_URI: "/a?b=c",
    QUERY_STRING: "b=c",
    SERVER_NAME: "192.0.2.1",
    HTTPS: "on",
    WEBSOCKET_PROTOCOL: "s.v1",
  });
});
