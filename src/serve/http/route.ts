import type { HttpRequestHead } from "../../framing/http_head.ts";

/** What a GET is answered with. */
export interface HttpContent {
  /** As `text/html; charset=utf-8`. */
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** 200 where nothing else is said. */
  readonly status?: number;
  /** Fields beside those that every answer has. */
  readonly fields?: Readonly<Record<string, string>>;
}

/**
 * What is found at a path: always the same, or made for each request;
 * `endpointPath` is the path of the endpoint that it came to.
 */
export type HttpRoute =
  | HttpContent
  | ((request: HttpRequestHead, endpointPath: string) => HttpContent | Promise<HttpContent>);

/** Routes by their path, for example `/healthz`. */
export type HttpRoutes = Readonly<Record<string, HttpRoute>>;
