import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BindError } from "../../../src/base/errors.ts";
import { ApiError } from "../../../src/relay/control/api_error.ts";
import { ProxySet } from "../../../src/relay/control/proxy_set.ts";
import { readToxic, updateToxic } from "../../../src/relay/control/toxics.ts";
import { startRelay } from "../../../src/relay/relay.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { closedPort, whenClosed } from "../../support/ports.ts";

Deno.test("ProxySet.shutdown() stops accepting", async () => {
  await using proxies = new ProxySet((at, to, options) => startRelay(at, to, options), () => 1);
  const port = closedPort();
  await proxies.add({ name: "a", listen: `127.0.0.1:${port}`, upstream: "127.0.0.1:1" });
  (await Deno.connect({ port })).close();
  await proxies.shutdown();
  await whenClosed(port);
});

Deno.test("ProxySet disables a proxy that cannot listen again after a failed change, and enables it later", async () => {
  let failures = 0;
  await using proxies = new ProxySet((at, to, options) => {
    return failures-- > 0 ? Promise.reject(new Error("too many open files")) : startRelay(at, to, options);
  }, () => 1);
  const proxy = { name: "a", listen: `127.0.0.1:${closedPort()}`, upstream: "127.0.0.1:1" };
  await proxies.add(proxy);
  const changes = [
    () => proxies.update("a", { upstream: "127.0.0.1:2" }),
    () => proxies.populate([{ ...proxy, upstream: "127.0.0.1:2" }]),
  ];
  for (const change of changes) {
    failures = 2;
    await assertRejects(change, ApiError, "too many open files");
    assertEquals([proxies.get("a").enabled, proxies.get("a").upstream], [false, "127.0.0.1:1"]);
    const { listen } = await proxies.update("a", { enabled: true });
    (await Deno.connect({ port: Number(listen.split(":").at(-1)) })).close();
  }
});

Deno.test("ProxySet waits for an address that is in use for a moment, and not for one that stays in use", async () => {
  let failures = 0;
  await using proxies = new ProxySet((at, to, options) => {
    return failures-- > 0
      ? Promise.reject(new BindError("in use", "address already in use"))
      : startRelay(at, to, options);
  }, () => 1);
  failures = 2;
  await proxies.add({ name: "a", upstream: "127.0.0.1:1" });
  assertEquals(failures, -1);
  failures = 2;
  assertEquals((await proxies.update("a", { upstream: "127.0.0.1:2" })).enabled, true);
  failures = Infinity;
  using time = new FakeTime();
  const adding = proxies.add({ name: "b", upstream: "127.0.0.1:1" });
  const failed = assertRejects(() => adding, ApiError, "address already in use");
  let endMs = Infinity;
  const startMs = performance.now();
  void adding.catch(() => endMs = performance.now() - startMs);
  await time.advance(1_000);
  await failed;
  assertEquals(endMs, 475);
});

Deno.test("ProxySet rejects an upstream and a listener that are not streams", async () => {
  await using proxies = new ProxySet((at, to, options) => startRelay(at, to, options), () => 1);
  for (const wrong of [{ upstream: "udp://127.0.0.1:9" }, { upstream: "127.0.0.1:9", listen: "udp://127.0.0.1:0" }]) {
    const error = await assertRejects(() => proxies.add({ name: "a", ...wrong }), ApiError, "it takes tcp");
    assertEquals(error.status, 400);
  }
});

Deno.test("updateToxic() rejects an attribute that the fault does not have, and changes nothing", () => {
  const toxic = readToxic({ type: "limit", attributes: { bytes: "10B" } });
  for (const attributes of [{ zz: 1 }, { bytes: "much" }]) {
    const error = assertThrows(() => updateToxic(toxic, { attributes }), ApiError);
    assertEquals(error.status, 400);
  }
  assertEquals(updateToxic(toxic, { toxicity: 0.5 }), { ...toxic, toxicity: 0.5 });
});
