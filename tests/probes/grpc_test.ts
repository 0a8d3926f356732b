import { assertEquals, assertRejects } from "@std/assert";
import { NotReadyError } from "../../src/probe/probe.ts";
import { TestAuthority } from "../support/certificates.ts";
import { closedPort } from "../support/ports.ts";
import { runProbe } from "../support/run_probe.ts";
import { runTool, toolTest } from "../support/tools.ts";

/**
 * A gRPC server with the health service for Node. Arguments: PORT [CERT KEY]. A
 * line on standard input is the serving status from then on.
 */
const SCRIPT = `import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import grpc from "@grpc/grpc-js";

const [port, cert, key] = process.argv.slice(2);
let status = 2;
const asIs = (bytes) => bytes;
const server = new grpc.Server();
server.addService({
  check: {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: (bytes) => ({ service: bytes.subarray(2).toString() }),
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
}, {
  check({ request }, callback) {
    if (request.service === "nosuch") callback({ code: grpc.status.NOT_FOUND, details: "unknown service" });
    else callback(null, Buffer.from([0x08, status]));
  },
});
const credentials = cert === undefined
  ? grpc.ServerCredentials.createInsecure()
  : grpc.ServerCredentials.createSsl(null, [{ cert_chain: readFileSync(cert), private_key: readFileSync(key) }]);
server.bindAsync(\`127.0.0.1:\${port}\`, credentials, (error) => {
  if (error) throw error;
  console.log("bound");
});
createInterface({ input: process.stdin }).on("line", (line) => {
  status = Number(line);
  console.log("status", status);
});
`;

/** The reference implementation in Node, installed for this test from the npm registry. */
async function nodeServer(
  args: readonly string[],
): Promise<{ setStatus(status: number): Promise<void> } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  const install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, "@grpc/grpc-js@1.14.7"];
  assertEquals((await runTool("npm", install)).code, 0);
  await Deno.writeTextFile(`${folder}/health_server.mjs`, SCRIPT);
  const child = new Deno.Command("node", {
    args: [`${folder}/health_server.mjs`, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await lines.read();
  const writer = child.stdin.getWriter();
  return {
    async setStatus(status) {
      await writer.write(new TextEncoder().encode(`${status}\n`));
      await lines.read();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await writer.close().catch(() => {});
      await lines.cancel();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

toolTest("npm", "grpc-js: the health of the server and of a service, over TCP", async () => {
  const port = closedPort();
  await using server = await nodeServer([String(port)]);
  const endpoint = `grpc://127.0.0.1:${port}`;
  await assertRejects(() => runProbe(endpoint), NotReadyError, "NOT_SERVING");
  await server.setStatus(1);
  assertEquals(await runProbe(endpoint), { status: "SERVING" });
  await assertRejects(() => runProbe(`${endpoint}/nosuch`), NotReadyError, 'unknown service "nosuch"');
});

toolTest("npm", "grpc-js: the certificate is checked", async () => {
  const port = closedPort();
  const authority = await TestAuthority.create();
  const { cert, key } = await authority.issue({ hosts: ["127.0.0.1"] });
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/cert`, cert);
  await Deno.writeTextFile(`${folder}/key`, key);
  await using server = await nodeServer([String(port), `${folder}/cert`, `${folder}/key`]);
  await server.setStatus(1);
  const endpoint = `grpcs://127.0.0.1:${port}`;
  assertEquals(await runProbe(endpoint, { connect: { tls: { ca: authority.cert } } }), { status: "SERVING" });
  await assertRejects(() => runProbe(endpoint), Error, "Cannot speak TLS");
  await Deno.remove(folder, { recursive: true });
});
