/**
 * Starts nats-server (from the path) and three chat servers that share their rooms, all on free loopback ports; Ctrl-C
 * stops them.
 *
 * `deno task cluster`
 *
 * @module
 */

import { findFreePort } from "../src/net/find_free_port.ts";
import { isReachable } from "../src/net/is_reachable.ts";
import { delay } from "../src/net/wait.ts";

const SERVERS = 3;

await using stack = new AsyncDisposableStack();
const folder = await Deno.makeTempDir({ prefix: "parley-cluster-" });
stack.defer(() => Deno.remove(folder, { recursive: true }));

const stop = Promise.withResolvers<string>();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  const onSignal = () => stop.resolve("");
  Deno.addSignalListener(signal, onSignal);
  stack.defer(() => Deno.removeSignalListener(signal, onSignal));
}

const natsPort = findFreePort();
const url = `nats://127.0.0.1:${natsPort}`;
start("nats-server", ["-a", "127.0.0.1", "-p", String(natsPort), "-js", "-sd", folder, "-l", `${folder}/nats.log`]);
await untilListening(natsPort);
console.log(`NATS                   ${url}`);
for (let number = 1; number <= SERVERS; number++) {
  const [tcp, page] = [findFreePort(), findFreePort()];
  const program = new URL("../src/server.ts", import.meta.url).pathname;
  const endpoints = [`tcp://127.0.0.1:${tcp}`, `ws://127.0.0.1:${page}`];
  const flags = ["--cluster", url, "--log-level", "warning"];
  start(Deno.execPath(), ["run", "--no-prompt", "-N", program, "chat", ...endpoints, ...flags]);
  await untilListening(tcp);
  console.log(`server ${number}  nc 127.0.0.1 ${tcp}  http://127.0.0.1:${page}/`);
}
console.log("A message to one server reaches the members on all; Ctrl-C stops them.");
const reason = await stop.promise;
if (reason !== "") {
  console.error(reason);
  Deno.exitCode = 1;
}

function start(command: string, args: string[]): void {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "inherit" }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`Cannot find ${command}: install it, as in apt install nats-server`);
    Deno.exit(1);
  }
  const ended = child.status.then(({ code }) => stop.resolve(`${command} ended with code ${code}`));
  stack.defer(async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await ended;
  });
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isReachable(`tcp://127.0.0.1:${port}`)) return;
    await delay(50);
  }
  throw new Error(`connection refused on port ${port}`);
}
