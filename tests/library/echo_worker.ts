/// <reference lib="deno.worker" />
import { formatEndpoint } from "@parley/parley";
import { serve } from "@parley/parley/server";

const server = await serve("tcp://127.0.0.1:0", async (session) => {
  for await (const message of session) session.send(`${message.text()} from a worker`);
});
self.onmessage = async () => {
  await server.shutdown();
  self.postMessage("ended");
};
self.postMessage(formatEndpoint(server.endpoint));
