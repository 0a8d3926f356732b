import { assertEquals, assertRejects } from "@std/assert";
import {
  Backoff,
  connect,
  type Connection,
  ConnectionPool,
  encode,
  type Endpoint,
  readExactly,
  RefusedError,
  retry,
  TimeoutError,
} from "@parley/parley";
import { serve } from "@parley/parley/server";
import { TestAuthority } from "../support/certificates.ts";
import { whenClosed } from "../support/ports.ts";

const FRAMING = "length:4be";
const authority = await TestAuthority.create();

/** `SET key value`, `GET key`. */
async function startStore() {
  const values = new Map<string, string>();
  return await serve("tls://127.0.0.1:0", async (session) => {
    for await (const message of session) {
      const [verb, key = "", value = ""] = message.text().split(" ");
      if (verb === "SET") values.set(key, value);
      if (verb !== "HANG") session.send(verb === "SET" ? "OK" : values.get(key) ?? "");
    }
  }, { framing: FRAMING, tls: await authority.issue(), drainTimeout: "1s" });
}

/** One request and its answer, by any of the pool's connections. */
class StoreClient implements AsyncDisposable {
  readonly #pool: ConnectionPool;

  constructor(endpoint: Endpoint) {
    const tls = { ca: authority.cert };
    this.#pool = new ConnectionPool((signal) => connect(endpoint, { tls, signal }), { size: 2 });
  }

  get idle(): number {
    return this.#pool.stats.idle;
  }

  ask(request: string, timeoutMs = 5_000): Promise<string> {
    return retry(() => this.#pool.use((connection) => exchange(connection, request, timeoutMs)), {
      tries: 3,
      backoff: new Backoff({ first: 1 }),
      isTransient: (error) => !(error instanceof TimeoutError) && !(error instanceof RefusedError),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}

async function exchange(connection: Connection, request: string, timeoutMs: number): Promise<string> {
  await connection.write(encode(FRAMING, request));
  const head = await readExactly(connection, 4, { timeout: timeoutMs });
  const body = await readExactly(connection, new DataView(head.buffer).getUint32(0), { timeout: timeoutMs });
  return new TextDecoder().decode(body);
}

Deno.test("library program 1 and 2: a key-value store over TLS, and its client with a pool", async () => {
  await using store = await startStore();
  await using client = new StoreClient(store.endpoint);
  assertEquals(await client.ask("SET colour blue"), "OK");
  assertEquals(await Promise.all([client.ask("GET colour"), client.ask("GET shape")]), ["blue", ""]);
  assertEquals([client.idle, store.stats.open.size], [2, 2]);
});

Deno.test("library program 2: a deadline ends one request, and the next one has a connection", async () => {
  await using store = await startStore();
  await using client = new StoreClient(store.endpoint);
  await assertRejects(() => client.ask("HANG", 20), TimeoutError);
  assertEquals(await client.ask("SET a b"), "OK");
});

Deno.test("library program 1: shutdown() ends the clients in order, and the port is free", async () => {
  const store = await startStore();
  await using client = new StoreClient(store.endpoint);
  assertEquals(await client.ask("SET a b"), "OK");
  await Promise.all([store.shutdown(), client[Symbol.asyncDispose]()]);
  await store.finished;
  await whenClosed(store.endpoint.port);
});
