import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "@parley/parley";
import { startStack } from "@parley/parley/stack";
import { runProgram } from "../src/cli/run_program.ts";
import { serverProgram } from "../src/commands/server/program.ts";
import { runStack, stackVariables } from "../src/commands/server/stack/open_stack.ts";
import { parseStackFile } from "../src/commands/server/stack/stack_file.ts";
import { parseRecording } from "../src/script/recording.ts";
import { FakeIo } from "./support/fake_io.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "./support/peer.ts";

Deno.test("startStack() serves, and releases everything", async () => {
  await using stack = await startStack({
    variables: { host: "127.0.0.1" },
    services: {
      echo: { service: "echo", endpoint: "tcp://${host}:0", framing: "line", upper: true },
      program: { service: "exec", endpoint: ":0", program: ["cat"] },
    },
  });
  assertEquals(Object.keys(stack.endpoints), ["echo", "program"]);
  for (const [name, answer] of [["echo", "HI"], ["program", "hi"]] as const) {
    using conn = await dial(stack.endpoints[name]?.[0] ?? "");
    const peer = new LinePeer(conn);
    await peer.send("hi");
    assertEquals(await peer.line(), answer);
  }
});

Deno.test("startStack() rejects what a stack file cannot express", async () => {
  const bad = { services: { a: { service: "echo", endpoint: ":0", framng: "line" } } };
  await assertRejects(
    () => startStack(bad),
    UsageError,
    "services.a.framng: unknown key; did you mean framing?",
  );
});

Deno.test("startStack() fails at its end where a mock's client did anything else", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/mock.yaml`,
    "connections: [{ steps: [{ expect: never }] }]\nexpect: { connections: 1 }\n",
  );
  const stack = await startStack({ services: { a: { service: "mock", endpoint: ":0", file: `${folder}/mock.yaml` } } });
  await assertRejects(() => stack.shutdown(), Error, "a: expect connections: expected 1 connections, not 0");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a stack's relay forwards to other services of the stack, in any order and on any endpoint", async () => {
  await using stack = await startStack({
    services: {
      far: { service: "relay", endpoint: ":0", target: "near", fault: "limit:2,direction=to-client" },
      near: { service: "relay", endpoint: ":0", target: ["127.0.0.1:1", "echo"] },
      echo: { service: "echo", endpoint: "tcp://0.0.0.0:0", framing: "line", upper: true },
    },
  });
  assertEquals(Object.keys(stack.endpoints), ["far", "near", "echo"]);
  using conn = await dial(stack.endpoints["far"]?.[0] ?? "");
  await writeAll(conn, "hi\n");
  assertEquals(await readTextToEnd(conn), "HI");
});

for (
  const [what, services, message] of [
    ["itself", { a: { service: "relay", target: "a" } }, "services.a: target: the relay forwards to itself"],
    ["itself through another", {
      a: { service: "relay", target: "b" },
      b: { service: "relay", target: ["127.0.0.1:1", "a"] },
    }, "services.a: target: the relay forwards to itself"],
    ["a service that does not exist", { a: { service: "relay", target: "b" } }, 'there is no service "b" in the stack'],
    ["no endpoint", { a: { service: "relay", target: "foo://b" } }, "services.a: target: Cannot parse endpoint"],
    ["nothing", { a: { service: "relay" } }, "services.a: no target"],
    ["one service from two endpoints", {
      a: { service: "relay", endpoints: [":0", ":0"], target: ":1" },
    }, "services.a: a relay listens on one endpoint"],
    ["a server with a flag that only other services have", {
      a: { service: "relay", target: ":1", rate: 5 },
    }, "services.a.rate: unknown key"],
  ] as const
) {
  Deno.test(`startStack() rejects a relay that forwards to ${what}`, async () => {
    await assertRejects(() => startStack({ services }), UsageError, message);
  });
}

Deno.test("a stack's relay takes a control API and a recording", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const stack = await parseStackFile(
      JSON.stringify({
        services: {
          slow: { service: "relay", endpoint: ":0", target: "echo", control: ":0", record: `${folder}/talk.jsonl` },
          echo: { service: "echo", endpoint: ":0", framing: "line" },
        },
      }),
      "stack.json",
      () => undefined,
    );
    await using run = await runStack(stack);
    const variables = stackVariables(run.opened);
    const control = variables["PARLEY_SLOW_CONTROL"] ?? "";
    const talk = async () => {
      using conn = await dial(variables["PARLEY_SLOW"] ?? "");
      await writeAll(conn, "hello\n");
      await conn.closeWrite();
      return await readTextToEnd(conn);
    };
    assertEquals(await talk(), "hello\n");
    const toxic = { type: "limit_data", attributes: { bytes: 2 } };
    const answer = await fetch(new URL("/proxies/slow/toxics", control), {
      method: "POST",
      body: JSON.stringify(toxic),
    });
    assertEquals([answer.status, (await answer.json()).type], [200, "limit_data"]);
    assertEquals(await talk(), "he");
    await run.shutdown();
    const { events } = parseRecording(await Deno.readTextFile(`${folder}/talk.jsonl`), "talk.jsonl");
    const said = events.map(({ from, data }) => [from, data && new TextDecoder().decode(data)]);
    assertEquals(said.filter(([, text]) => text !== undefined), [["client", "hello\n"], ["server", "hello\n"]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a stack's mock uses the framing of its script, and a mistake in the script is found before the start", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/mock.yaml`;
    await Deno.writeTextFile(file, "framing: line\nconnections: [{ when: { text: PING }, reply: PONG }]\n");
    const services = { peer: { service: "mock", endpoint: ":0", file } };
    {
      await using stack = await startStack({ services });
      using conn = await dial(stack.endpoints["peer"]?.[0] ?? "");
      const peer = new LinePeer(conn);
      await peer.send("PING");
      assertEquals(await peer.line(), "PONG");
    }
    const other = { peer: { ...services.peer, framing: "length:2be" } };
    await assertRejects(() => startStack({ services: other }), UsageError, "is for another framing");
    await Deno.writeTextFile(file, "conections: []\n");
    const parsed = parseStackFile(JSON.stringify({ services }), "stack.json", () => undefined);
    await assertRejects(() => parsed, UsageError, "mock.yaml:1: conections: unknown key");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("stack ends with the exit code of its command if both the command and a mock fail, and reports both", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const mock = `${folder}/mock.yaml`;
    await Deno.writeTextFile(mock, "connections: [{ reply: hi, when: { text: x } }]\nexpect: { connections: 1 }\n");
    const file = `${folder}/stack.yaml`;
    await Deno.writeTextFile(file, `services: { peer: { service: mock, endpoint: ":0", file: ${mock} } }`);
    const run = async (...command: string[]) => {
      const io = new FakeIo();
      const words = ["stack", file, "--log-level", "off", "--", ...command];
      return { code: await runProgram(serverProgram, words, io), err: io.err };
    };
    for (const [command, code] of [[["sh", "-c", "exit 7"], 7], [["true"], 1]] as const) {
      const ended = await run(...command);
      assertEquals(ended.code, code);
      assertStringIncludes(ended.err, "expected 1 connections, not 0");
    }
    const missing = await run("/no/such/command");
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.err, "expected 1 connections, not 0");
    assertStringIncludes(missing.err, "/no/such/command");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
