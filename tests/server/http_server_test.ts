import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Listener, Logger, parseEndpoint } from "@parley/parley";
import { DEFAULTS } from "../../src/base/defaults.ts";
import { listen } from "../../src/factory.ts";
import type { Accepted } from "../../src/net/listener.ts";
import { HttpServer } from "../../src/server/http_server.ts";
import { drip, FakeTime } from "../support/fake_time.ts";
import { FakeTransport } from "../support/fake_transport.ts";
import { assertGivesBack, withinTime } from "../support/give_back.ts";
import { dial, readTextToEnd, writeAll } from "../support/peer.ts";

/** Connections that it serves, with those for health checks and the one that finds no place. */
const PLACES = 41;

/** Sends a request, or part of one, and reads to the end. */
async function ask(url: string, text: string): Promise<string> {
  using conn = await dial(url);
  await writeAll(conn, text);
  await conn.closeWrite();
  return await readTextToEnd(conn);
}

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;

const WAYS = {
  "that was answered": GET("/metrics"),
  "that asked for a page that does not exist": GET("/other"),
  "whose request is malformed": "nonsense\r\n\r\n",
  "whose answer could not be made": GET("/broken"),
  "that left within its request": "GET / HT",
  "that asked for nothing": "",
};

for (const [way, request] of Object.entries(WAYS)) {
  Deno.test(`HttpServer: a client ${way} frees its place`, async () => {
    await using server = new HttpServer(await listen("tcp://127.0.0.1:0"), {
      "GET /metrics": { contentType: "text/plain", body: "up 1\n" },
      "GET /broken": () => Promise.reject(new TypeError("a bug")),
    });
    const url = server.url;
    await assertGivesBack({
      limit: PLACES,
      lose: () => ask(url, request),
      isServed: async () => (await ask(url, GET("/metrics"))).startsWith("HTTP/1.1 200"),
    });
  });
}

/** A server whose `/stuck` never responds, and the number of requests stuck there. */
async function startStuck(isHealthStuck = false) {
  const end = Promise.withResolvers<void>();
  const stuck: PromiseWithResolvers<void>[] = [];
  const hang = async () => {
    stuck.shift()?.resolve();
    await end.promise;
    return { contentType: "text/plain", body: "" };
  };
  const server = new HttpServer(await listen("tcp://127.0.0.1:0"), {
    "GET /healthz": isHealthStuck ? hang : { contentType: "text/plain", body: "ok\n" },
    "GET /metrics": { contentType: "text/plain", body: "up 1\n" },
    "GET /stuck": hang,
  });
  await using owner = new AsyncDisposableStack();
  owner.use(server);
  owner.defer(() => end.resolve());
  const own = owner.move();
  return {
    url: server.url,
    /** One more request that gets no answer; its connection, once the server is at it. */
    async add(path = "/stuck"): Promise<Deno.TcpConn> {
      const conn = own.use(await dial(server.url));
      const arrived = Promise.withResolvers<void>();
      stuck.push(arrived);
      await writeAll(conn, GET(path));
      await withinTime(arrived.promise, "a stuck request");
      return conn;
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

Deno.test("HttpServer serves 32 connections (MAX_CONNECTIONS), and 8 more for health checks only (MAX_HEALTH_CONNECTIONS)", async () => {
  await using server = await startStuck();
  for (let count = 0; count < 31; count++) await server.add();
  assertEquals((await ask(server.url, GET("/metrics"))).split("\r\n")[0], "HTTP/1.1 200 OK");
  await server.add();
  const refused = await ask(server.url, GET("/metrics"));
  assertStringIncludes(refused, " 503 ");
  assertStringIncludes(refused, "too many connections");
  assertStringIncludes(await ask(server.url, GET("/healthz")), " 200 ");
  // A connection without a request is closed before one that is being served.
  using idle = await dial(server.url);
  const others: Deno.TcpConn[] = [];
  for (let count = 0; count < 8; count++) others.push(await dial(server.url));
  assertStringIncludes(await ask(server.url, GET("/healthz")), " 200 ");
  assertEquals(await withinTime(readTextToEnd(idle), "the idle one"), "");
  for (const conn of others) conn.close();
});

Deno.test("HttpServer: of 40 stuck requests, the oldest is closed for a new one", async () => {
  await using server = await startStuck(true);
  const [first, second] = [await server.add(), await server.add()];
  for (let count = 2; count < 32; count++) await server.add();
  for (let count = 0; count < 8; count++) await server.add("/healthz");
  const ended: string[] = [];
  const reading = readTextToEnd(first).then(() => ended.push("first"));
  void readTextToEnd(second).then(() => ended.push("second"), () => {});
  await server.add("/healthz");
  await withinTime(reading, "the oldest");
  assertEquals(ended, ["first"]);
});

Deno.test("HttpServer: of 33 idle connections, the longest waiting one is closed", async () => {
  await using server = await startStuck();
  await using owner = new AsyncDisposableStack();
  const idle: Deno.TcpConn[] = [];
  for (let count = 0; count < 33; count++) idle.push(owner.use(await dial(server.url)));
  const [first, second] = idle;
  if (first === undefined || second === undefined) throw new Error("none");
  assertEquals(await withinTime(readTextToEnd(first), "the oldest"), "");
  await writeAll(second, GET("/metrics"));
  assertStringIncludes(await withinTime(readTextToEnd(second), "the second"), "up 1");
});

Deno.test("HttpServer gives an answered client one second to close (LINGER_MS), and a slow request the time limit of a head", async () => {
  using time = new FakeTime();
  const accepted: PromiseWithResolvers<Accepted>[] = [];
  const acceptor = {
    accept() {
      accepted.push(Promise.withResolvers());
      return accepted.at(-1)?.promise ?? Promise.reject(new Error("none"));
    },
    close: () => accepted.at(-1)?.reject(new Deno.errors.BadResource("closed")),
  };
  const init = { endpoint: parseEndpoint("tcp://127.0.0.1:1"), log: Logger.of("test") };
  await using _server = new HttpServer(new Listener(acceptor, init), {
    "GET /": { contentType: "text/plain", body: "up" },
  });
  const connect = async () => {
    // The loop is about to accept.
    await time.advance(1);
    const transport = new FakeTransport();
    const remoteAddr = { transport: "tcp", hostname: "127.0.0.1", port: 9 } as const;
    accepted.at(-1)?.resolve(Object.assign(transport, { remoteAddr }));
    await time.advance(1);
    return transport;
  };
  const answered = await connect();
  answered.say(GET("/"));
  await time.advance(990);
  assertEquals([answered.writes.length > 0, answered.closeCount], [true, 0]);
  await time.advance(20);
  assertEquals(answered.closeCount, 1);

  const dripping = await connect();
  const closed = Promise.withResolvers<void>();
  const close = dripping.close.bind(dripping);
  dripping.close = () => {
    close();
    closed.resolve();
  };
  const tookMs = await drip(time, {
    everyMs: 1_000,
    send: (index) => dripping.say("GET / HTTP/1.1\r\nX: ".charAt(index) || "x"),
    ended: closed.promise,
    maxMs: 60_000,
  });
  const limitMs = DEFAULTS.httpHeadTimeoutMs;
  assert(tookMs >= limitMs && tookMs <= limitMs + 3_000, `a request was given ${tookMs} ms`);
});
