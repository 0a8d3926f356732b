import { assert, assertEquals } from "@std/assert";
import { PAGE_ROUTES } from "../../../src/chat/page/routes.ts";
import type { HttpContent } from "../../../src/serve/http/route.ts";
import { HttpHeadReader, parseRequestHead } from "../../../src/framing/http_head.ts";

const found = new HttpHeadReader().push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
const HEAD = parseRequestHead(found?.head ?? new Uint8Array());

async function contentAt(path: string, endpointPath = "/"): Promise<HttpContent> {
  const route = PAGE_ROUTES[path];
  assert(route, path);
  return typeof route === "function" ? await route(HEAD, endpointPath) : route;
}

Deno.test("PAGE_ROUTES serve all that the page and its modules refer to, under one policy", async () => {
  const paths = ["/", ...Object.keys(PAGE_ROUTES)];
  for (const path of paths) {
    const { body, fields } = await contentAt(path);
    assert(fields?.["Content-Security-Policy"]?.startsWith("default-src 'none'"), path);
    const references = path === "/"
      ? [...String(body).matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, to]) => to)
      : [...String(body).matchAll(/^import .*"\.\/(\w+\.js)";$/gm)].map(([, to]) => `/page/${to}`);
    for (const to of references) assert(to !== undefined && to in PAGE_ROUTES, `${path} refers to ${to}`);
  }
});

Deno.test("PAGE_ROUTES tell the page the endpoint's path, whatever is in it", async () => {
  const { body } = await contentAt("/", '/a"><script>&');
  assertEquals(/<html data-endpoint="([^"]*)"/.exec(String(body))?.[1], "/a&quot;>&lt;script>&amp;");
});
