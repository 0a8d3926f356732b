import { assertEquals, assertRejects } from "@std/assert";
import { listen } from "@parley/parley";
import { startRelay } from "@parley/parley/relay";
import { mock } from "@parley/parley/script";
import { SERVICES } from "../../src/services/registry.ts";
import { CertificateFiles } from "../support/certificate_files.ts";
import { startProgram, startServer } from "../support/in_process.ts";
import { closedPort } from "../support/ports.ts";
import { runClient } from "../support/run_client.ts";

const ignore = Deno.build.os !== "linux";

/** Words of each service besides its endpoint. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  exec: ["--", "cat"],
  reply: ["--text", "hello"],
};

for (const { name } of SERVICES) {
  Deno.test({
    name: `${name} shares its port with --reuse-port`,
    ignore,
    async fn() {
      const endpoint = `tcp://127.0.0.1:${closedPort()}`;
      const words = [name, endpoint, "--reuse-port", "--print-endpoint", ...WORDS[name] ?? []];
      await using first = startProgram("server", words);
      await using second = startProgram("server", words);
      assertEquals([await first.line(), await second.line()], [endpoint, endpoint]);
    },
  });
}

for (const scheme of ["tcp", "tls", "ws"]) {
  Deno.test({
    name: `a client of ${scheme} is served by the other server when one of a shared port has ended`,
    ignore,
    async fn() {
      await using files = await CertificateFiles.create();
      const endpoint = `${scheme}://127.0.0.1:${closedPort()}`;
      const tls = scheme === "tls" ? files.flags() : [];
      const words = ["echo", endpoint, "--framing", "line", "--reuse-port", "--exit-after", "1", ...tls];
      await using first = await startServer(words);
      await using second = await startServer(words);
      const ca = scheme === "tls" ? ["--tls-ca", files.path("ca.pem")] : [];
      const send = () => runClient(["send", endpoint, "hello\\n", "--expect", "hello", ...ca]);
      assertEquals((await send()).code, 0);
      await Promise.race([first.server.exitCode(), second.server.exitCode()]);
      assertEquals((await send()).code, 0);
      assertEquals(await Promise.all([first.server.exitCode(), second.server.exitCode()]), [0, 0]);
    },
  });
}

Deno.test({
  name: "a port that is not shared is in use",
  ignore,
  async fn() {
    const endpoint = `tcp://127.0.0.1:${closedPort()}`;
    await using _first = await startServer(["echo", endpoint, "--reuse-port"]);
    await assertRejects(() => startServer(["echo", endpoint]), Error, "address already in use");
  },
});

Deno.test({
  name: "connections that can be reset share a port: of a relay, a mock, and a listener that does not linger",
  ignore,
  async fn() {
    const endpoint = `tcp://127.0.0.1:${closedPort()}`;
    const shared = { reusePort: true };
    const target = "tcp://127.0.0.1:9";
    await using _native = await startRelay(endpoint, target, shared);
    await using _node = await startRelay(endpoint, target, { ...shared, resetter: false });
    const served = await mock({ connections: [], otherwise: "reset" }, { ...shared, endpoints: endpoint });
    using _listener = await listen(endpoint, { ...shared, socketOptions: { linger: 0 } });
    await served.shutdown();
  },
});

Deno.test({
  name: "pipe and a service of a stack share a port",
  ignore,
  async fn() {
    const endpoint = `tcp://127.0.0.1:${closedPort()}`;
    const file = await Deno.makeTempFile({ suffix: ".json" });
    try {
      const services = { one: { service: "echo", endpoint, "reuse-port": true } };
      await Deno.writeTextFile(file, JSON.stringify({ services }));
      await using _stack = await startServer(["stack", file]);
      await using pipe = startProgram("server", ["pipe", endpoint, "--reuse-port"]);
      await pipe.errorLine(/listening on/);
    } finally {
      await Deno.remove(file);
    }
  },
});
