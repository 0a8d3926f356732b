import { assertEquals, assertRejects } from "@std/assert";
import { connect, type Connection, dial, type Endpoint, listen, pipe, ResetError } from "@parley/parley";
import { startService } from "@parley/parley/testing";

/** A TCP proxy: forwards data and half-closes in both directions. */
async function startProxy(target: Endpoint) {
  const listener = await listen("tcp://127.0.0.1:0", { canReset: true });
  const serving: Promise<unknown>[] = [];
  const accepting = (async () => {
    for await (const client of listener) serving.push(relay(client, target));
  })();
  return {
    endpoint: listener.endpoint,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}

async function relay(client: Connection, target: Endpoint): Promise<void> {
  await using near = client;
  await using far = await connect(target, { canReset: true });
  await Promise.allSettled([pipe(near, far), pipe(far, near)]);
}

Deno.test("library program 6: a TCP proxy of listen, connect and pipe", async () => {
  await using echo = await startService("echo");
  await using proxy = await startProxy(echo.endpoint);
  await using session = await dial(proxy.endpoint, { framing: "line" });
  session.send("through and back");
  await session.closeWrite();
  const lines: string[] = [];
  for await (const message of session) lines.push(message.text());
  assertEquals(lines, ["through and back"]);
});

Deno.test("library program 6: a reset of the target is a reset to the client", async () => {
  using target = await listen("tcp://127.0.0.1:0", { canReset: true });
  await using proxy = await startProxy(target.endpoint);
  await using client = await connect(proxy.endpoint);
  const reading = client.read();
  (await target.accept())?.reset();
  await assertRejects(() => reading, ResetError);
});
