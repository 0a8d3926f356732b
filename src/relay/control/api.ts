/**
 * Toxiproxy's HTTP API (version 2): its paths, status codes, bodies and headers.
 *
 * @module
 */

import { assertLocalHost } from "../../http/origin.ts";
import { HttpError } from "../../http/head.ts";
import type { HttpContent } from "../../http/response.ts";
import type { HttpRoutes, RoutedRequest } from "../../http/router.ts";
import { ApiError } from "./api_error.ts";
import { parseBody } from "./json.ts";
import type { ProxySet, ProxySettings } from "./proxy_set.ts";

/** The implemented version of the API, with build metadata after the plus sign (Semantic Versioning 2.0.0). */
const API_VERSION = "2.12.0";

/** The routes of the API. */
export function controlRoutes(proxies: ProxySet, version: string): HttpRoutes {
  const proxyOf = ({ params }: RoutedRequest) => params.proxy ?? "";
  const toxicOf = ({ params }: RoutedRequest) => params.toxic ?? "";
  const body = async (request: RoutedRequest) => parseBody(await request.body());

  const updateProxy = route(async (request) => json(200, await proxies.update(proxyOf(request), await body(request))));
  const updateToxic = route(async (request) =>
    json(200, await proxies.updateToxic(proxyOf(request), toxicOf(request), await body(request)))
  );
  return {
    "GET /version": route(() => ({
      contentType: "application/json;charset=utf-8",
      body: `{"version": "${API_VERSION}+parley-${version}"}\n`,
    })),
    "POST /reset": route(async () => {
      await proxies.reset();
      return NO_CONTENT;
    }),
    "GET /proxies": route(() => json(200, Object.fromEntries(proxies.list().map((proxy) => [proxy.name, proxy])))),
    "POST /proxies": route(async (request) => json(201, await proxies.add(await body(request)))),
    "POST /populate": route(async (request) => await populate(proxies, request)),
    "GET /proxies/:proxy": route((request) => json(200, proxies.get(proxyOf(request)))),
    "POST /proxies/:proxy": updateProxy,
    "PATCH /proxies/:proxy": updateProxy,
    "DELETE /proxies/:proxy": route(async (request) => {
      await proxies.remove(proxyOf(request));
      return NO_CONTENT;
    }),
    "GET /proxies/:proxy/connections": route(async (request) => {
      const { open, recentlyClosed } = await proxies.connectionsOf(proxyOf(request));
      return json(200, { open, recentlyClosed });
    }),
    "GET /proxies/:proxy/toxics": route((request) => json(200, proxies.get(proxyOf(request)).toxics)),
    "POST /proxies/:proxy/toxics": route(async (request) =>
      json(200, await proxies.addToxic(proxyOf(request), await body(request)))
    ),
    "GET /proxies/:proxy/toxics/:toxic": route((request) =>
      json(200, proxies.toxic(proxyOf(request), toxicOf(request)))
    ),
    "POST /proxies/:proxy/toxics/:toxic": updateToxic,
    "PATCH /proxies/:proxy/toxics/:toxic": updateToxic,
    "DELETE /proxies/:proxy/toxics/:toxic": route(async (request) => {
      await proxies.removeToxic(proxyOf(request), toxicOf(request));
      return NO_CONTENT;
    }),
  };
}

const NO_CONTENT: HttpContent = { status: 204 };

/** Errors have their own body; browsers are rejected, because any page could send requests through them. */
function route(respond: (request: RoutedRequest) => HttpContent | Promise<HttpContent>) {
  return async (request: RoutedRequest): Promise<HttpContent> => {
    if (request.fields.get("user-agent")?.startsWith("Mozilla/")) {
      return { status: 403, contentType: TEXT, body: "User agent not allowed\n", fields: requestId() };
    }
    assertLocalHost(request);
    try {
      const content = await respond(request);
      return { ...content, fields: { ...content.fields, ...requestId() } };
    } catch (error) {
      if (error instanceof HttpError && error.status === 413) {
        return errorContent(new ApiError(413, `bad request body: ${error.message}`));
      }
      if (!(error instanceof ApiError)) throw error;
      return errorContent(error);
    }
  };
}

/** Like Toxiproxy, the error is sent next to an empty list of proxies. */
async function populate(proxies: ProxySet, request: RoutedRequest): Promise<HttpContent> {
  try {
    const populated: ProxySettings[] = await proxies.populate(parseBody(await request.body()));
    return json(201, { proxies: populated.length === 0 ? null : populated });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return json(error.status, { error: error.message, status: error.status, proxies: null });
  }
}

const TEXT = "text/plain; charset=utf-8";

function errorContent({ status, message }: ApiError): HttpContent {
  return {
    status,
    contentType: TEXT,
    body: `${JSON.stringify({ error: message, status })}\n`,
    fields: requestId(),
  };
}

function requestId(): Record<string, string> {
  return { "X-Toxiproxy-Request-Id": crypto.randomUUID() };
}

/** Without a line end, like Toxiproxy. */
function json(status: number, value: unknown): HttpContent {
  return { status, contentType: "application/json", body: JSON.stringify(value) };
}
