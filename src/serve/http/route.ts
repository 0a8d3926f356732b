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

/** What is found at a path: always the same, or made for each request. */
export type HttpRoute = HttpContent | ((request: HttpRequestHead) => HttpContent | Promise<HttpContent>);

/** Routes by their path, for example `/healthz`. */
export type HttpRoutes = Readonly<Record<string, HttpRoute>>;
