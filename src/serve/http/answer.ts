import { HttpError, type HttpRequestHead, listOf } from "../../framing/http_head.ts";
import { type HttpResponse, reasonPhrase } from "../../framing/http_response.ts";
import type { HttpContent, HttpRoutes } from "./route.ts";

/** Nothing of this server is to be guessed at, framed, or sent along as a referrer. */
const SECURITY_FIELDS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/** The answer to a request that is no upgrade. */
export async function answerRequest(
  request: HttpRequestHead,
  routes: HttpRoutes,
  endpointPath = "/",
): Promise<HttpResponse> {
  const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined;
  if (route === undefined) throw new HttpError(404, "nothing is here");
  if (request.method !== "GET" && request.method !== "HEAD") {
    throw new HttpError(405, "only GET and HEAD are taken here");
  }
  const content = typeof route === "function" ? await route(request, endpointPath) : route;
  return { ...responseOf(content), isHead: request.method === "HEAD", isKeptAlive: isKeptAlive(request) };
}

/** The answer to a request that cannot be served; the connection ends with it. */
export function answerError(error: HttpError, request?: HttpRequestHead): HttpResponse {
  const fields = {
    ...(error.status === 405 ? { Allow: "GET, HEAD" } : {}),
    ...(error.status === 426
      ? { Upgrade: "websocket", Connection: "Upgrade, close", "Sec-WebSocket-Version": "13" }
      : {}),
  };
  const body = `${error.status} ${reasonPhrase(error.status)}: ${error.message}\n`;
  const content = { contentType: "text/plain; charset=utf-8", status: error.status, body, fields };
  return { ...responseOf(content), isHead: request?.method === "HEAD" };
}

function responseOf({ status = 200, contentType, body, fields }: HttpContent): HttpResponse {
  return {
    status,
    body,
    fields: {
      Date: new Date().toUTCString(),
      "Content-Type": contentType,
      "Cache-Control": "no-store",
      ...SECURITY_FIELDS,
      ...fields,
    },
  };
}

/** Whether another request may follow (RFC 9112, section 9.3); a body is not read, so none may follow one. */
function isKeptAlive({ version, fields }: HttpRequestHead): boolean {
  if (fields.has("transfer-encoding") || (fields.get("content-length") ?? "0") !== "0") return false;
  const options = listOf(fields.get("connection"));
  return version === "1.1" ? !options.includes("close") : options.includes("keep-alive");
}
