import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ApiError } from "../../../src/relay/control/api_error.ts";
import { ProxySet } from "../../../src/relay/control/proxy_set.ts";
import { readToxic, updateToxic } from "../../../src/relay/control/toxics.ts";
import { startRelay } from "../../../src/relay/relay.ts";

Deno.test("ProxySet.shutdown() stops accepting", async () => {
  await using proxies = new ProxySet((at, to, options) => startRelay(at, to, options), () => 1);
  const { listen } = await proxies.add({ name: "a", listen: "127.0.0.1:0", upstream: "127.0.0.1:1" });
  const port = Number(listen.split(":").at(-1));
  (await Deno.connect({ port })).close();
  await proxies.shutdown();
  await assertRejects(() => Deno.connect({ port }), Deno.errors.ConnectionRefused);
});

Deno.test("updateToxic() rejects an attribute that the fault does not have, and changes nothing", () => {
  const toxic = readToxic({ type: "limit", attributes: { bytes: "10B" } });
  for (const attributes of [{ zz: 1 }, { bytes: "much" }]) {
    const error = assertThrows(() => updateToxic(toxic, { attributes }), ApiError);
    assertEquals(error.status, 400);
  }
  assertEquals(updateToxic(toxic, { toxicity: 0.5 }), { ...toxic, toxicity: 0.5 });
});
