import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { HttpError } from "../../src/http/head.ts";
import { type HttpRequest, RequestReader } from "../../src/http/request.ts";
import { jsonContent } from "../../src/http/response.ts";
import { Router } from "../../src/http/router.ts";

const ROUTER = new Router({
  "GET /": { contentType: "text/plain", body: "home" },
  "GET /proxies": () => jsonContent([]),
  "POST /proxies": async (request) => ({ status: 201, body: await request.body() }),
  "GET /proxies/:proxy": ({ params }) => jsonContent(params),
  "GET /proxies/all": { body: "all" },
  "DELETE /proxies/:proxy/toxics/:toxic": ({ params }) => jsonContent(params),
  "DELETE /proxies/:proxy": { status: 204 },
});

async function requestOf(method: string, path: string, body = ""): Promise<HttpRequest> {
  const head = `${method} ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`;
  const chunks = [utf8(head + body)];
  const reader = new RequestReader({
    read: () => Promise.resolve(chunks.shift() ?? null),
    write: () => Promise.resolve(),
  });
  const request = await reader.next();
  assert(request !== undefined);
  return request;
}

async function bodyOf(method: string, path: string, body?: string): Promise<unknown> {
  const response = await ROUTER.respond(await requestOf(method, path, body));
  return response.body;
}

Deno.test("Router finds a route by method and path", async () => {
  assertEquals(await bodyOf("GET", "/"), "home");
  assertEquals(await bodyOf("GET", "/proxies?x=1"), "[]\n");
  assertEquals(await bodyOf("POST", "/proxies", "new"), utf8("new"));
  assertEquals((await ROUTER.respond(await requestOf("DELETE", "/proxies/a"))).status, 204);
});

Deno.test("Router decodes parameters, and prefers a path without them", async () => {
  assertEquals(await bodyOf("GET", "/proxies/my%20db%2F1"), '{"proxy":"my db/1"}\n');
  assertEquals(await bodyOf("DELETE", "/proxies/a/toxics/b"), '{"proxy":"a","toxic":"b"}\n');
  assertEquals(await bodyOf("GET", "/proxies/all"), "all");
  assertEquals((await ROUTER.respond(await requestOf("DELETE", "/proxies/all"))).status, 204);
});

Deno.test("Router answers HEAD for a GET route", async () => {
  assertEquals(await bodyOf("HEAD", "/"), "home");
});

Deno.test("Router throws a 404 without a route, also for an empty parameter and names of object properties", async () => {
  for (
    const path of ["/nothing", "/proxies/", "/proxies/a/b", "/proxies/a/toxics/", "/constructor", "//", "/Proxies"]
  ) {
    const error = await assertRejects(() => bodyOf("GET", path), HttpError);
    assertEquals(error.status, 404, path);
    assertFalse(ROUTER.has(path));
  }
});

Deno.test("Router throws a 405 that lists the allowed methods", async () => {
  for (
    const [method, path, allowed] of [
      ["PUT", "/proxies", "GET, HEAD, POST"],
      ["POST", "/", "GET, HEAD"],
      ["get", "/", "GET, HEAD"],
      ["HEAD", "/proxies/a/toxics/b", "DELETE"],
    ] as const
  ) {
    const error = await assertRejects(() => bodyOf(method, path), HttpError);
    assertEquals([error.status, error.responseFields], [405, { Allow: allowed }]);
  }
});

Deno.test("Router throws a 400 for a parameter that cannot be decoded", async () => {
  const error = await assertRejects(() => bodyOf("GET", "/proxies/%zz"), HttpError);
  assertEquals(error.status, 400);
});
