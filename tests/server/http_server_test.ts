import { listen } from "../../src/factory.ts";
import { HttpServer } from "../../src/server/http_server.ts";
import { assertGivesBack } from "../support/give_back.ts";
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
  Deno.test(`HttpServer: a client ${way} gives its place back`, async () => {
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
