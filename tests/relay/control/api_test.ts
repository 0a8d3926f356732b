import { assert, assertEquals, assertMatch } from "@std/assert";
import { serveControl } from "../../support/control_api.ts";
import { readTextToEnd } from "../../support/peer.ts";
import { closedPort, whenClosed } from "../../support/ports.ts";

/** The answers of Toxiproxy 2.12.0 to the same requests. */
interface Exchange {
  readonly ask: string;
  readonly body?: string;
  readonly status: number;
  /** The expected body, or a part of it. */
  readonly answer?: string | RegExp | object;
}

const LATENCY = { name: "latency_downstream", type: "latency", stream: "downstream", toxicity: 1 };
const SLICER = { name: "q", type: "slicer", stream: "Upstream", toxicity: 0.5 };
// A port of its own, since the proxy is disabled and enabled again.
const NEW = `{"name":"a","listen":"127.0.0.1:${closedPort()}","upstream":"127.0.0.1:1"}`;
const error = (status: number, message: string) => `{"error":"${message}","status":${status}}\n`;
const badBody = /^\{"error":"bad request body: .+","status":400\}\n$/;

const EXCHANGES: readonly Exchange[] = [
  { ask: "GET /version", status: 200, answer: /^\{"version": "2\.12\.0\+parley-1\.2\.3"\}\n$/ },
  { ask: "GET /proxies", status: 200, answer: "{}" },
  {
    ask: "POST /proxies",
    body: NEW,
    status: 201,
    answer: { name: "a", upstream: "127.0.0.1:1", enabled: true, toxics: [] },
  },
  { ask: "POST /proxies", body: NEW, status: 409, answer: error(409, "proxy already exists") },
  { ask: "POST /proxies", body: `{"upstream":"x:1"}`, status: 400, answer: error(400, "missing required field: name") },
  { ask: "POST /proxies", body: `{"name":"b"}`, status: 400, answer: error(400, "missing required field: upstream") },
  { ask: "POST /proxies", body: "x", status: 400, answer: badBody },
  { ask: "POST /proxies", status: 400, answer: error(400, "bad request body: EOF") },
  { ask: "POST /proxies", body: `{"name":7}`, status: 400, answer: badBody },
  { ask: "POST /proxies", body: "[]", status: 400, answer: badBody },
  {
    ask: "POST /proxies",
    body: `{"name":"b","upstream":"x:1","listen":"127.0.0.1:PORT"}`,
    status: 500,
    answer: /in use/,
  },
  { ask: "GET /proxies/zz", status: 404, answer: error(404, "proxy not found") },
  { ask: "POST /proxies/zz", body: "{}", status: 404, answer: error(404, "proxy not found") },
  { ask: "DELETE /proxies/zz", status: 404, answer: error(404, "proxy not found") },
  { ask: "GET /proxies/a/toxics", status: 200, answer: "[]" },
  {
    ask: "POST /proxies/a/toxics",
    body: `{"type":"latency","attributes":{"latency":100}}`,
    status: 200,
    answer: { ...LATENCY, attributes: { latency: 100, jitter: 0 } },
  },
  {
    ask: "POST /proxies/a/toxics",
    body: `{"type":"latency"}`,
    status: 409,
    answer: error(409, "toxic already exists"),
  },
  { ask: "POST /proxies/a/toxics", body: `{"type":"zz"}`, status: 400, answer: error(400, "invalid toxic type") },
  {
    ask: "POST /proxies/a/toxics",
    body: `{"type":"latency","stream":"side"}`,
    status: 400,
    answer: error(400, "stream was invalid, can be either upstream or downstream"),
  },
  {
    ask: "POST /proxies/a/toxics",
    body: `{"type":"latency","name":"z","attributes":{"latency":"x"}}`,
    status: 400,
    answer: badBody,
  },
  {
    ask: "POST /proxies/a/toxics",
    body: `{"type":"latency","name":"z","attributes":{"latency":1.5}}`,
    status: 400,
    answer: badBody,
  },
  {
    ask: "POST /proxies/a/toxics",
    body: `{"type":"slicer","name":"q","stream":"Upstream","toxicity":0.5,"attributes":{"zz":1}}`,
    status: 200,
    answer: { ...SLICER, attributes: { average_size: 0, size_variation: 0, delay: 0 } },
  },
  {
    ask: "PATCH /proxies/a/toxics/q",
    body: `{"attributes":{"delay":5}}`,
    status: 200,
    answer: { ...SLICER, attributes: { average_size: 0, size_variation: 0, delay: 5 } },
  },
  { ask: "POST /proxies/a/toxics/q", body: `{"toxicity":0.25}`, status: 200, answer: { ...SLICER, toxicity: 0.25 } },
  { ask: "POST /proxies/a/toxics/zz", body: "{}", status: 404, answer: error(404, "toxic not found") },
  { ask: "GET /proxies/a/toxics/zz", status: 404, answer: error(404, "toxic not found") },
  { ask: "GET /proxies/a/toxics/q", status: 200, answer: { ...SLICER, toxicity: 0.25 } },
  // Those of upstream come first.
  { ask: "GET /proxies/a", status: 200, answer: /"toxics":\[\{"name":"q".*\{"name":"latency_downstream"/ },
  { ask: "POST /proxies/a", body: `{"enabled":false}`, status: 200, answer: { name: "a", enabled: false } },
  { ask: "PATCH /proxies/a", body: `{"enabled":true,"listen":"nope"}`, status: 400, answer: badBody },
  { ask: "GET /proxies/a", status: 200, answer: { enabled: false } },
  { ask: "PATCH /proxies/a", body: `{"enabled":true}`, status: 200, answer: { enabled: true } },
  { ask: "DELETE /proxies/a/toxics/q", status: 204, answer: "" },
  { ask: "DELETE /proxies/a/toxics/q", status: 404, answer: error(404, "toxic not found") },
  { ask: "POST /populate", body: "[]", status: 201, answer: `{"proxies":null}` },
  {
    ask: "POST /populate",
    body: `[{"name":"c"}]`,
    status: 400,
    answer: `{"error":"missing required field: upstream at proxy 1","status":400,"proxies":null}`,
  },
  {
    ask: "POST /populate",
    body: `[{"name":"c","listen":"127.0.0.1:0","upstream":"x:1"}]`,
    status: 201,
    answer: /^\{"proxies":\[\{"name":"c"/,
  },
  { ask: "POST /populate", body: "z", status: 400, answer: /^\{"error":"bad request body: .*"proxies":null\}$/ },
  { ask: "POST /populate", body: "{}", status: 400, answer: /"proxies":null\}$/ },
  { ask: "POST /reset", status: 204, answer: "" },
  { ask: "GET /proxies/a/toxics", status: 200, answer: "[]" },
  { ask: "DELETE /proxies/c", status: 204, answer: "" },
  { ask: "GET /nope", status: 404 },
  { ask: "PUT /proxies", body: "{}", status: 405 },
];

Deno.test("the control API answers as Toxiproxy does", async (test) => {
  await using control = await serveControl();
  for (const { ask, body, status, answer } of EXCHANGES) {
    await test.step(`${ask} ${body ?? ""} -> ${status}`, async () => {
      const [method = "", path = ""] = ask.split(" ");
      const text = body?.replace("PORT", new URL(control.url).port);
      const response = await fetch(`${control.url}${path}`, { method, ...(text === undefined ? {} : { body: text }) });
      const got = await response.text();
      assertEquals(response.status, status, got);
      if (typeof answer === "string") assertEquals(got, answer);
      else if (answer instanceof RegExp) assertMatch(got, answer);
      else if (answer !== undefined) {
        const { ...fields } = JSON.parse(got);
        for (const [name, value] of Object.entries(answer)) assertEquals(fields[name], value);
      }
      if (path === "/nope" || status === 405) return;
      const type = response.headers.get("content-type");
      const isError = status >= 400 && path !== "/populate";
      assertEquals(type?.split(";")[0], status === 204 ? undefined : isError ? "text/plain" : "application/json");
      assert(response.headers.has("x-toxiproxy-request-id"));
    });
  }
});

Deno.test("the control API rejects browsers and foreign hosts", async () => {
  await using control = await serveControl();
  const { host } = new URL(control.url);
  const ask = async (fields: string) => {
    const [hostname = "", port = ""] = host.split(":");
    using conn = await Deno.connect({ hostname, port: Number(port) });
    await conn.write(new TextEncoder().encode(`GET /proxies HTTP/1.1\r\n${fields}\r\nConnection: close\r\n\r\n`));
    return await readTextToEnd(conn);
  };
  const browser = await ask(`Host: ${host}\r\nUser-Agent: Mozilla/5.0 (X11)`);
  assertMatch(browser, /^HTTP\/1\.1 403 [\s\S]*\r\n\r\nUser agent not allowed\n$/);
  assertMatch(await ask("Host: evil.example"), /^HTTP\/1\.1 403 /);
  assertMatch(await ask(`Host: ${host}`), /^HTTP\/1\.1 200 /);
});

Deno.test("the control API rejects a body over 1 MiB, and changes nothing", async () => {
  await using control = await serveControl();
  const body = (length: number) => `[${" ".repeat(length - 2)}]`;
  const ask = async (length: number) => {
    const response = await fetch(`${control.url}/populate`, { method: "POST", body: body(length) });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await ask(1024 * 1024), 201);
  assertEquals(await ask(1024 * 1024 + 1), 413);
});

Deno.test("populate creates all proxies or none", async () => {
  await using control = await serveControl();
  const populate = (entries: object[]) =>
    fetch(`${control.url}/populate`, { method: "POST", body: JSON.stringify(entries) });
  const proxy = { name: "kept", listen: `127.0.0.1:${closedPort()}`, upstream: "127.0.0.1:1" };
  const made = await (await populate([proxy])).json();
  const kept = made.proxies[0];
  const { port } = new URL(control.url);
  const failed = await populate([
    { ...kept, upstream: "127.0.0.1:2" },
    { name: "new", upstream: "127.0.0.1:1" },
    { name: "taken", upstream: "127.0.0.1:1", listen: `127.0.0.1:${port}` },
  ]);
  assertEquals(failed.status, 500);
  await failed.body?.cancel();
  assertEquals(await (await fetch(`${control.url}/proxies`)).json(), { kept });
  using conn = await Deno.connect({ port: Number(kept.listen.split(":")[1]) });
  assert(conn.remoteAddr.port > 0);
});

Deno.test("populate accepts toxics, which apply from the first connection", async () => {
  await using control = await serveControl();
  using target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const body = JSON.stringify([{
    name: "first",
    listen: "127.0.0.1:0",
    upstream: `127.0.0.1:${target.addr.port}`,
    toxics: [{ type: "limit_data", attributes: { bytes: 3 } }],
  }]);
  const { proxies } = await (await fetch(`${control.url}/populate`, { method: "POST", body })).json();
  using client = await Deno.connect({ port: Number(proxies[0].listen.split(":")[1]) });
  using served = await target.accept();
  await served.write(new TextEncoder().encode("hello"));
  assertEquals(await readTextToEnd(client), "hel");
});

Deno.test("toxics take effect on open connections, and can be removed again", async () => {
  await using control = await serveControl();
  using target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const add = { name: "live", listen: "127.0.0.1:0", upstream: `127.0.0.1:${target.addr.port}` };
  const { listen } = await (await fetch(`${control.url}/proxies`, { method: "POST", body: JSON.stringify(add) }))
    .json();
  using client = await Deno.connect({ port: Number(listen.split(":")[1]) });
  using served = await target.accept();
  const toxics = `${control.url}/proxies/live/toxics`;
  // Rate 0 is how Testcontainers cuts a connection.
  const cut = { name: "cut", type: "bandwidth", attributes: { rate: 0 } };
  await (await fetch(toxics, { method: "POST", body: JSON.stringify(cut) })).body?.cancel();
  await served.write(new TextEncoder().encode("held back"));
  const buffer = new Uint8Array(100);
  const reading = client.read(buffer);
  assertEquals(await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 50, "nothing"))]), "nothing");
  await (await fetch(`${toxics}/cut`, { method: "DELETE" })).body?.cancel();
  assertEquals(await reading, 9);
  const reset = { type: "reset_peer", stream: "downstream" };
  await (await fetch(toxics, { method: "POST", body: JSON.stringify(reset) })).body?.cancel();
  await served.write(new TextEncoder().encode("x"));
  const failure = await client.read(buffer).then(() => undefined, (error: unknown) => error);
  assert(failure instanceof Deno.errors.ConnectionReset);
});

Deno.test("disabling a proxy closes its connections, enabling it listens on the same port", async () => {
  await using control = await serveControl();
  using target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = closedPort();
  const listen = `127.0.0.1:${port}`;
  const add = { name: "p", listen, upstream: `127.0.0.1:${target.addr.port}` };
  await (await fetch(`${control.url}/proxies`, { method: "POST", body: JSON.stringify(add) })).body?.cancel();
  const set = async (enabled: boolean) => {
    const response = await fetch(`${control.url}/proxies/p`, { method: "POST", body: JSON.stringify({ enabled }) });
    assertEquals((await response.json()).listen, listen);
  };
  using client = await Deno.connect({ port });
  using served = await target.accept();
  await set(false);
  assertEquals(await client.read(new Uint8Array(1)), null);
  assertEquals(await served.read(new Uint8Array(1)), null);
  await whenClosed(port);
  await set(true);
  using again = await Deno.connect({ port });
  assert(again.remoteAddr.port === port);
});

Deno.test("Parley's own faults are additional toxic types, on any endpoint", async () => {
  await using control = await serveControl();
  const folder = await Deno.makeTempDir();
  using target = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const body = JSON.stringify({
    name: "own",
    listen: `unix:${folder}/own.sock`,
    upstream: `tcp://127.0.0.1:${target.addr.port}`,
    seed: 9,
    toxics: [{ type: "limit", stream: "upstream", attributes: { bytes: "4", then: "reset" }, only: "1" }],
  });
  const made = await (await fetch(`${control.url}/proxies`, { method: "POST", body })).json();
  assertEquals([made.listen, made.seed], [`unix:${folder}/own.sock`, 9]);
  using client = await Deno.connect({ transport: "unix", path: `${folder}/own.sock` });
  using served = await target.accept();
  await client.write(new TextEncoder().encode("1"));
  const first = await served.read(new Uint8Array(1));
  const { open } = await (await fetch(`${control.url}/proxies/own/connections`)).json();
  assertEquals(open[0]?.upstream.faults, { "to-server": ["limit_upstream"], "to-client": [] });
  await client.write(new TextEncoder().encode("2345"));
  const got = await readTextToEnd(served).catch(() => "reset");
  assert(first === 1 && (got === "reset" || got === "234"));
  const wrong = await fetch(`${control.url}/proxies/own/toxics`, {
    method: "POST",
    body: JSON.stringify({ type: "message-drop", attributes: { messages: 0.5 } }),
  });
  assertEquals(wrong.status, 400);
  assertMatch(await wrong.text(), /requires a ws or wss endpoint/);
  await control.proxies[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});
