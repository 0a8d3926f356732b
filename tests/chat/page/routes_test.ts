import { assert, assertEquals } from "@std/assert";
import { PAGE_ROUTES } from "../../../src/chat/page/routes.ts";
import { parseRequestHead } from "../../../src/http/head.ts";
import type { HttpRequest } from "../../../src/http/request.ts";
import type { HttpResponse } from "../../../src/http/response.ts";
import { Router } from "../../../src/http/router.ts";

const ROUTER = new Router(PAGE_ROUTES);

async function contentAt(path: string, endpointPath = "/"): Promise<HttpResponse> {
  const bytes = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const body = () => Promise.resolve(new Uint8Array());
  const request: HttpRequest = {
    ...parseRequestHead(bytes),
    bytes,
    body,
    discardBody: () => Promise.resolve(true),
    takeRest: () => new Uint8Array(),
  };
  return await ROUTER.respond(request, endpointPath);
}

Deno.test("PAGE_ROUTES serve all that the page and its modules refer to, under one policy", async () => {
  const paths = Object.keys(PAGE_ROUTES).map((key) => key.replace("GET ", ""));
  for (const path of paths) {
    const { body, fields } = await contentAt(path);
    assert(fields?.["Content-Security-Policy"]?.startsWith("default-src 'none'"), path);
    const references = path === "/"
      ? [...String(body).matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, to]) => to)
      : [...String(body).matchAll(/^import .*"\.\/(\w+\.js)";$/gm)].map(([, to]) => `/page/${to}`);
    for (const to of references) assert(to !== undefined && ROUTER.has(to), `${path} refers to ${to}`);
  }
});

Deno.test("PAGE_ROUTES pass the endpoint's path to the page, whatever it contains", async () => {
  const { body } = await contentAt("/", '/a"><script>&');
  assertEquals(/<html data-endpoint="([^"]*)"/.exec(String(body))?.[1], "/a&quot;>&lt;script>&amp;");
});
