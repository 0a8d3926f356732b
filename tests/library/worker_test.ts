import { assertEquals } from "@std/assert";
import { dial } from "@parley/parley";

Deno.test("library program 10: a server in a worker", async () => {
  const worker = new Worker(import.meta.resolve("./echo_worker.ts"), { type: "module" });
  const { promise: listening, resolve } = Promise.withResolvers<string>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  worker.onmessage = ({ data }) => data === "ended" ? end() : resolve(data);
  {
    await using client = await dial(await listening);
    client.send("hello");
    for await (const message of client) {
      assertEquals(message.text(), "hello from a worker");
      break;
    }
  }
  worker.postMessage("stop");
  await ended;
  worker.terminate();
});
