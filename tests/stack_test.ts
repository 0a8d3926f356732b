import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "@parley/parley";
import { startStack } from "@parley/parley/stack";
import { dial, LinePeer } from "./support/peer.ts";

Deno.test("startStack() serves, and gives everything back", async () => {
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

Deno.test("startStack() rejects what a stack file could not say", async () => {
  const bad = { services: { a: { service: "echo", endpoint: ":0", framng: "line" } } };
  await assertRejects(
    () => startStack(bad),
    UsageError,
    "services.a.framng: there is no such key; did you mean framing?",
  );
});

Deno.test("startStack() fails at its end where a mock's client did anything else", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/mock.yaml`,
    "connections: [{ steps: [{ expect: never }] }]\nexpect: { connections: 1 }\n",
  );
  const stack = await startStack({ services: { a: { service: "mock", endpoint: ":0", file: `${folder}/mock.yaml` } } });
  await assertRejects(() => stack.shutdown(), Error, "expected 1 connections, not 0");
  await Deno.remove(folder, { recursive: true });
});
