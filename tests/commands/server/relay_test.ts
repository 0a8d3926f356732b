import { assert, assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../../../src/cli/run_program.ts";
import { serverProgram } from "../../../src/commands/server/program.ts";
import { parseRecording } from "../../../src/script/recording.ts";
import { FakeIo } from "../../support/fake_io.ts";
import { dial, readTextToEnd, writeAll } from "../../support/peer.ts";

/** A relay that runs in this process until it is disposed of. */
async function startCommand(args: readonly string[]) {
  const io = new FakeIo();
  const running = runProgram(serverProgram, ["relay", ...args, "--print-endpoint"], io);
  const endpoint = await Promise.race([
    io.printed(/^(tcp:.*|unix:.*|http:.*)$/m),
    running.then((code) => {
      throw new Error(`ended with ${code}: ${io.err}`);
    }),
  ]);
  return {
    io,
    endpoint,
    async [Symbol.asyncDispose]() {
      io.stop.send("SIGTERM");
      await running;
    },
  };
}

function openTarget(): Deno.TcpListener & { readonly endpoint: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return Object.assign(listener, { endpoint: `tcp://127.0.0.1:${listener.addr.port}` });
}

async function refusal(...args: string[]): Promise<string> {
  const io = new FakeIo();
  assertEquals(await runProgram(serverProgram, ["relay", ...args], io), 2);
  return io.err.split("\n")[0] ?? "";
}

Deno.test("relay rejects wrong arguments with one line and exit code 2", async () => {
  assertMatch(await refusal(), /relay needs LISTEN and TARGET/);
  assertMatch(await refusal("1"), /no TARGET for 1/);
  assertMatch(await refusal("0", "1", "--fault", "latencey:1s"), /did you mean latency\?/);
  assertMatch(await refusal("0", "1", "--fault", "stall", "--share", "2"), /percentage from 0% to 100%/);
  assertMatch(await refusal("0", "1", "--only", "3"), /--only requires --fault/);
  assertMatch(await refusal("0", "1", "--fault", "message-drop:5%"), /it requires a ws or wss endpoint/);
  assertMatch(await refusal("0", "udp://127.0.0.1:1"), /Cannot relay "udp:\/\/127.0.0.1:1": it takes tcp, tls/);
  assertMatch(
    await refusal("127.0.0.1:9", "127.0.0.1:1", "127.0.0.1:9"),
    /tcp:\/\/127.0.0.1:9": it is the relay itself/,
  );
  assertMatch(await refusal("0.0.0.0:9", "127.0.0.1:9"), /it is the relay itself/);
  assertMatch(await refusal("[::]:9", "127.0.0.1:9"), /it is the relay itself/);
  assertMatch(await refusal("localhost:9", "localhost:9"), /it is the relay itself/);
  assertMatch(await refusal("unix:/tmp/x", "unix:/tmp/x"), /it is the relay itself/);
  assertMatch(await refusal("tls://:0", "1"), /needs --tls-cert FILE and --tls-key FILE/);
  assertMatch(await refusal("0", "1", "--target-cert", "x"), /--target-cert and --target-key must be given together/);
  assertMatch(await refusal("0", "1", "--control", "unix:/tmp/x"), /--control requires a TCP endpoint/);
});

Deno.test("relay forwards, and prints the seed", async () => {
  using target = openTarget();
  await using relay = await startCommand(["0", target.endpoint, "--fault", "limit:4", "--seed", "77"]);
  using client = await dial(relay.endpoint);
  using served = await target.accept();
  await writeAll(client, "question");
  assertEquals(await readTextToEnd(served), "ques");
});

Deno.test("relay tries its targets in order, or in turn with --balance round-robin", async () => {
  using first = openTarget();
  using second = openTarget();
  const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const deadEndpoint = `127.0.0.1:${dead.addr.port}`;
  dead.close();
  const talk = async (targets: readonly string[], expected: readonly Deno.TcpListener[]) => {
    await using relay = await startCommand(["0", ...targets]);
    for (const target of expected) {
      using _client = await dial(relay.endpoint);
      (await target.accept()).close();
    }
  };
  await talk([deadEndpoint, second.endpoint], [second, second]);
  await talk([first.endpoint, second.endpoint], [first, first]);
  await talk([first.endpoint, second.endpoint, "--balance", "round-robin"], [first, second, first]);
});

Deno.test("relay closes instead of resetting with --on-unreachable close", async () => {
  for (const how of ["reset", "close"]) {
    const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = dead.addr;
    dead.close();
    await using relay = await startCommand(["0", `127.0.0.1:${port}`, "--on-unreachable", how]);
    using client = await dial(relay.endpoint);
    const end = await readTextToEnd(client).catch((error: Error) => error.name);
    assertEquals(end, how === "reset" ? "ConnectionReset" : "");
  }
});

Deno.test("relay --exit-after ends once its connections have ended", async () => {
  using target = openTarget();
  const io = new FakeIo();
  const running = runProgram(
    serverProgram,
    ["relay", "0", target.endpoint, "--exit-after", "1", "--print-endpoint"],
    io,
  );
  const client = await dial(await io.printed(/^(tcp:.*)$/m));
  const served = await target.accept();
  client.close();
  served.close();
  assertEquals(await running, 0);
});

Deno.test("relay --drain-timeout lets a target answer, and then ends", async () => {
  using target = openTarget();
  const relay = await startCommand(["0", target.endpoint]);
  using client = await dial(relay.endpoint);
  using served = await target.accept();
  await writeAll(client, "last question");
  await served.read(new Uint8Array(100));
  const ending = relay[Symbol.asyncDispose]();
  assertEquals(await served.read(new Uint8Array(100)), null);
  await writeAll(served, "last answer");
  served.closeWrite();
  assertEquals(await readTextToEnd(client), "last answer");
  await ending;
});

Deno.test("relay --record keeps both sides in the format that a mock serves", async () => {
  const folder = await Deno.makeTempDir();
  using target = openTarget();
  {
    await using relay = await startCommand(["0", target.endpoint, "--record", `${folder}/{n}.jsonl`]);
    for (const word of ["one", "two"]) {
      using client = await dial(relay.endpoint);
      using served = await target.accept();
      await writeAll(client, word);
      await client.closeWrite();
      assertEquals(await readTextToEnd(served), word);
      await writeAll(served, `${word}!`);
      await served.closeWrite();
      assertEquals(await readTextToEnd(client), `${word}!`);
    }
  }
  const { events } = parseRecording(await Deno.readTextFile(`${folder}/2.jsonl`), "2.jsonl");
  const said = events.map(({ from, data }) => `${from} ${data === undefined ? "end" : new TextDecoder().decode(data)}`);
  assertEquals(said, ["client two", "client end", "server two!", "server end"]);
  assert(events.every(({ atMs }) => atMs > 0));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("relay --control puts the relay of the command line under the API, --config more of them", async () => {
  const folder = await Deno.makeTempDir();
  using target = openTarget();
  const config = [{ name: "from file", listen: "127.0.0.1:0", upstream: target.endpoint }];
  await Deno.writeTextFile(`${folder}/proxies.json`, JSON.stringify(config));
  {
    const flags = ["--fault", "limit:4", "--control", "0", "--config", `${folder}/proxies.json`];
    await using relay = await startCommand(["0", target.endpoint, ...flags]);
    const url = await relay.io.printed(/^(http:.*)$/m);
    const proxies = await (await fetch(`${url}/proxies`)).json();
    assertEquals(Object.keys(proxies), ["from file", "relay"]);
    assertEquals(proxies.relay.upstream, target.endpoint);
    const toxic = { type: "limit_data", stream: "upstream", attributes: { bytes: 2 } };
    const added = await fetch(`${url}/proxies/relay/toxics`, { method: "POST", body: JSON.stringify(toxic) });
    assertEquals((await added.json()).name, "limit_data_upstream");
    using client = await dial(relay.endpoint);
    using served = await target.accept();
    await writeAll(client, "question");
    assertEquals(await readTextToEnd(served), "qu");
    assertMatch(
      await (await fetch(`${url}/metrics`)).text(),
      /^parley_connections_accepted_total\{service="relay"\} 1$/m,
    );
  }
  await Deno.writeTextFile(`${folder}/proxies.json`, "{");
  assertMatch(await refusal("--config", `${folder}/proxies.json`), /^parley-server: Cannot use the proxies in /);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("relay -- COMMAND runs it while the relay serves, and exits with its code", async () => {
  using target = openTarget();
  const io = new FakeIo();
  const words = [
    "relay",
    "0",
    target.endpoint,
    "--",
    Deno.execPath(),
    "eval",
    "Deno.exit(Deno.env.get('PARLEY_PORT') ? 5 : 6)",
  ];
  assertEquals(await runProgram(serverProgram, words, io), 5);
});

Deno.test("relay serves /connections with both sides at --metrics", async () => {
  using target = openTarget();
  await using relay = await startCommand(["0", target.endpoint, "--metrics", "127.0.0.1:0"]);
  const url = (await relay.io.printed(/^(http:.*)$/m)).replace("/metrics", "/connections");
  using client = await dial(relay.endpoint);
  using served = await target.accept();
  await writeAll(client, "hello");
  await served.read(new Uint8Array(5));
  const { connections } = await (await fetch(url)).json();
  assertEquals([connections[0].bytesRead, connections[0].upstream.bytesWritten], [5, 5]);
  assertEquals(connections[0].upstream.peer, target.endpoint);
});
