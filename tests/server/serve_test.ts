import { assert, assertEquals, assertRejects } from "@std/assert";
import { BindError, connect, dial, listen, ResetError, type Session } from "@parley/parley";
import { serve, type Service } from "@parley/parley/server";
import { closedPort, whenClosed } from "../support/ports.ts";

const upper = async (session: Session) => {
  for await (const message of session) session.send(message.text().toUpperCase());
};

async function ask(session: Session, line: string): Promise<string | undefined> {
  session.send(line);
  for await (const message of session) return message.text();
  return undefined;
}

Deno.test({
  name: "serve() serves on every kind of endpoint at once",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    await using server = await serve(["tcp://127.0.0.1:0", `unix:${folder}/s`, "ws://127.0.0.1:0/"], upper);
    for (const endpoint of server.endpoints) {
      await using client = await dial(endpoint);
      assertEquals(await ask(client, "hello"), "HELLO");
    }
    assertEquals([server.endpoints.length, server.stats.accepted], [3, 3]);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("serve() that cannot listen on one endpoint closes the others and disposes of the service", async () => {
  using taken = await listen("tcp://127.0.0.1:0");
  let disposed = 0;
  const service: Service = { serve: upper, [Symbol.asyncDispose]: () => (disposed++, Promise.resolve()) };
  const port = closedPort();
  await assertRejects(() => serve([`tcp://127.0.0.1:${port}`, taken.endpoint], service), BindError, "in use");
  await whenClosed(port);
  await assertRejects(() => serve("tcp://127.0.0.1:0", service, { framing: "lines" }), SyntaxError, "framing");
  await assertRejects(() => serve([], service), Error, "no endpoint");
  assertEquals(disposed, 3);
});

Deno.test("serve() disposes of the service once at the end, however often it is shut down", async () => {
  let disposed = 0;
  const service: Service = { serve: upper, [Symbol.asyncDispose]: () => (disposed++, Promise.resolve()) };
  const server = await serve("tcp://127.0.0.1:0", service);
  await Promise.all([server.shutdown(), server.shutdown()]);
  await server[Symbol.asyncDispose]();
  await server.finished;
  assertEquals(disposed, 1);
});

Deno.test("serve() lets a service reset its connections", async () => {
  const resets: boolean[] = [];
  const service: Service = {
    resetsConnections: true,
    async serve(session) {
      await session.receive();
      resets.push(session.reset());
    },
  };
  await using server = await serve("tcp://127.0.0.1:0", service);
  await using client = await dial(server.endpoint);
  client.send("hello");
  await assertRejects(() => client.receive(), ResetError);
  assertEquals(resets, [true]);
});

Deno.test("serve() ends when its signal aborts, or if it has already aborted", async () => {
  const aborter = new AbortController();
  const server = await serve("tcp://127.0.0.1:0", upper, { signal: aborter.signal });
  await using client = await dial(server.endpoint);
  assertEquals(await ask(client, "hello"), "HELLO");
  aborter.abort();
  assertEquals(await client.receive(), null);
  await client.finish();
  await server.finished;
  const late = await serve("tcp://127.0.0.1:0", upper, { signal: aborter.signal });
  await late.finished;
  await whenClosed(late.endpoint.port);
});

Deno.test("serve() finishes by itself after maxAccepts connections", async () => {
  const server = await serve("tcp://127.0.0.1:0", upper, { maxAccepts: 1 });
  {
    await using client = await dial(server.endpoint);
    assertEquals(await ask(client, "hello"), "HELLO");
  }
  await server.finished;
});

Deno.test("serve() closes a client whose handler throws, and serves the next", async () => {
  await using server = await serve("tcp://127.0.0.1:0", async (session) => {
    const [first] = await session.receive() ?? [];
    if (first !== undefined && new TextDecoder().decode(first.data) === "bug") throw new Error("bug");
    session.send("ok");
  });
  await using unlucky = await dial(server.endpoint);
  assertEquals(await ask(unlucky, "bug"), undefined);
  await using lucky = await dial(server.endpoint);
  assertEquals(await ask(lucky, "hello"), "ok");
});

Deno.test("shutdown() closes the clients that have not left within drainTimeout", async () => {
  const { promise: isServing, resolve } = Promise.withResolvers<void>();
  const server = await serve("tcp://127.0.0.1:0", async (session) => {
    resolve();
    // A handler that ignores the drain.
    while (session.closeReason === undefined) await new Promise((wait) => setTimeout(wait, 1));
  }, { drainTimeout: "20ms" });
  await using client = await connect(server.endpoint);
  await isServing;
  const before = performance.now();
  await server.shutdown();
  assert(performance.now() - before >= 19);
  assertEquals(await client.read(), null);
});

Deno.test("serve() checks its own gate after the limits by address, and reports departures to it", async () => {
  const asked: string[] = [];
  const gate = { enter: (ip: string) => void asked.push(`+${ip}`), leave: (ip: string) => void asked.push(`-${ip}`) };
  const server = await serve("tcp://127.0.0.1:0", upper, { gate });
  {
    await using client = await dial(server.endpoint);
    assertEquals(await ask(client, "hello"), "HELLO");
  }
  await server.shutdown();
  assertEquals(asked, ["+127.0.0.1", "-127.0.0.1"]);
});

Deno.test("serve() reports why the handler of a client failed", async () => {
  await using server = await serve("tcp://127.0.0.1:0", () => {
    throw new Error("no such order");
  });
  await using client = await dial(server.endpoint);
  assertEquals(await client.receive(), null);
  await server.shutdown();
  assertEquals(server.stats.recentlyClosed.map(({ reason, error }) => [reason, error]), [["error", "no such order"]]);
});
