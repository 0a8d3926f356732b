import { HttpError } from "./head.ts";
import type { HttpRequest } from "./request.ts";
import { contentResponse, type HttpContent, type HttpResponse } from "./response.ts";

/** A request matched to a route. */
export interface RoutedRequest extends HttpRequest {
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  /** The path of the endpoint. */
  readonly endpointPath: string;
}

/** Static content, or a function that creates it for each request. */
export type HttpRoute = HttpContent | ((request: RoutedRequest) => HttpContent | Promise<HttpContent>);

/**
 * Routes by method and path, for example `GET /healthz` or `POST /proxies/:proxy/toxics`; a parameter matches one
 * segment. GET routes also handle HEAD.
 */
export type HttpRoutes = Readonly<Record<string, HttpRoute>>;

interface Pattern {
  readonly segments: readonly string[];
  readonly methods: Map<string, HttpRoute>;
}

/** Finds the route of a request. A path without parameters takes precedence over one with parameters. */
export class Router {
  readonly #plain = new Map<string, Pattern>();
  readonly #parametric = new Map<string, Pattern>();

  constructor(routes: HttpRoutes) {
    for (const [key, route] of Object.entries(routes)) {
      const [method = "", path = ""] = key.split(" ");
      const patterns = path.includes("/:") ? this.#parametric : this.#plain;
      const pattern = patterns.get(path) ?? { segments: path.split("/"), methods: new Map() };
      pattern.methods.set(method, route);
      patterns.set(path, pattern);
    }
  }

  /** Whether the path has a route for any method. */
  has(path: string): boolean {
    return this.#find(path).length > 0;
  }

  /**
   * Handles a request.
   *
   * @throws {HttpError} 404; 405 with the allowed methods; 400 if a parameter cannot be decoded; errors of the route.
   */
  async respond(request: HttpRequest, endpointPath = "/"): Promise<HttpResponse> {
    const found = this.#find(request.path);
    if (found.length === 0) throw new HttpError(404, "not found");
    const method = request.method === "HEAD" ? "GET" : request.method;
    const pattern = found.find(({ methods }) => methods.has(method));
    const route = pattern?.methods.get(method);
    if (pattern === undefined || route === undefined) throw methodNotAllowed(found);
    if (typeof route !== "function") return contentResponse(route);
    const params = paramsOf(pattern.segments, request.path.split("/"));
    return contentResponse(await route({ ...request, params, endpointPath }));
  }

  #find(path: string): Pattern[] {
    const plain = this.#plain.get(path);
    const given = path.split("/");
    const parametric = this.#parametric.values().filter(({ segments }) => isMatch(segments, given));
    return plain === undefined ? [...parametric] : [plain, ...parametric];
  }
}

function methodNotAllowed(found: readonly Pattern[]): HttpError {
  const methods = found.flatMap((pattern) => [...pattern.methods.keys()]);
  const allowed = methods.flatMap((method) => method === "GET" ? ["GET", "HEAD"] : [method]).join(", ");
  return new HttpError(405, `method not allowed; use ${allowed}`, { Allow: allowed });
}

function isMatch(segments: readonly string[], given: readonly string[]): boolean {
  return segments.length === given.length &&
    segments.every((segment, at) => segment.startsWith(":") ? given[at] !== "" : segment === given[at]);
}

function paramsOf(segments: readonly string[], given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    segments.flatMap((segment, at) => segment.startsWith(":") ? [[segment.slice(1), decode(given[at] ?? "")]] : []),
  );
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, "the path contains an invalid percent-encoding");
  }
}
