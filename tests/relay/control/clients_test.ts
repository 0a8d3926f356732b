/** The control API with the client libraries that exist for Toxiproxy. */

import { assert, assertEquals } from "@std/assert";
import { type ICreateToxicBody, Toxiproxy } from "npm:toxiproxy-node-client@4.1.0";
import { serveControl } from "../../support/control_api.ts";
import { fromFileUrl } from "../../support/paths.ts";
import { closedPort } from "../../support/ports.ts";
import { findTool, runTool } from "../../support/tools.ts";

/** Every type of Toxiproxy with its attributes, and one to change. */
const TOXICS: readonly Pick<ICreateToxicBody<Record<string, number>>, "name" | "type" | "attributes">[] = [
  { name: "t1", type: "latency", attributes: { latency: 10, jitter: 2 } },
  { name: "t2", type: "bandwidth", attributes: { rate: 100_000 } },
  { name: "t3", type: "slow_close", attributes: { delay: 5 } },
  { name: "t4", type: "timeout", attributes: { timeout: 60_000 } },
  { name: "t5", type: "reset_peer", attributes: { timeout: 60_000 } },
  { name: "t6", type: "slicer", attributes: { average_size: 100, size_variation: 10, delay: 1 } },
  { name: "t7", type: "limit_data", attributes: { bytes: 1_000 } },
];

Deno.test("toxiproxy-node-client works with the control API", async () => {
  await using control = await serveControl();
  const api = new Toxiproxy(control.url);
  assertEquals(await api.getVersion().then((version) => JSON.stringify(version).includes("2.12.0")), true);
  const body = { name: "npm", listen: `127.0.0.1:${closedPort()}`, upstream: "127.0.0.1:1" };
  const proxy = await api.createProxy(body);
  assertEquals([proxy.name, proxy.upstream, proxy.enabled], ["npm", "127.0.0.1:1", true]);
  for (const stream of ["upstream", "downstream"] as const) {
    for (const { name, type, attributes } of TOXICS) {
      const toxic = await proxy.addToxic({ name: `${name}_${stream}`, type, stream, toxicity: 0.5, attributes });
      assertEquals([toxic.type, toxic.stream, toxic.toxicity, toxic.attributes], [type, stream, 0.5, attributes]);
      const [first = ""] = Object.keys(attributes);
      const changed = { ...attributes, [first]: 77 };
      await toxic.update({ name: toxic.name, type, stream, toxicity: 1, attributes: changed });
      const read = await proxy.getToxic<Record<string, number>>(`${name}_${stream}`);
      assertEquals(read.attributes, { ...attributes, [first]: 77 });
      await read.remove();
      assertEquals(control.proxies.get("npm").toxics, []);
    }
  }
  await proxy.addToxic({
    name: "last",
    type: "latency",
    stream: "upstream",
    toxicity: 1,
    attributes: { latency: 1, jitter: 0 },
  });
  const down = await proxy.update({ listen: proxy.listen, upstream: proxy.upstream, enabled: false });
  assertEquals(down.enabled, false);
  await api.reset();
  const again = await api.get("npm");
  assertEquals([again.enabled, control.proxies.get("npm").toxics], [true, []]);
  const populated = await api.populate([body, { ...body, name: "two", listen: "127.0.0.1:0" }]);
  assertEquals(Object.keys(await api.getAll()), ["npm", "two"]);
  assert(Object.keys(populated).length === 2);
  await again.remove();
  assertEquals(Object.keys(await api.getAll()), ["two"]);
});

// CI installs the package in a folder of its own, and names it in PYTHONPATH.
const hasToxiproxy = findTool("python3") !== undefined &&
  (await runTool("python3", ["-c", "import toxiproxy"])).code === 0;

Deno.test({
  name: `toxiproxy-python works with the control API${hasToxiproxy ? "" : " (toxiproxy-python is not installed)"}`,
  ignore: !hasToxiproxy && !Deno.env.get("CI"),
  async fn() {
    await using control = await serveControl();
    const { port } = new URL(control.url);
    const script = fromFileUrl("toxiproxy_client.py");
    const { code, stdout, stderr } = await runTool("python3", [script, port, `127.0.0.1:${closedPort()}`]);
    assertEquals([code, stdout], [0, "ok\n"], stderr);
  },
});
