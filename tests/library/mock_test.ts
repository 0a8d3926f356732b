import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dial, formatEndpoint } from "@parley/parley";
import {
  expect,
  ExpectationError,
  expectReset,
  mock,
  type MockScript,
  reset,
  runScript,
  send,
} from "@parley/parley/script";

const SCRIPT: MockScript = {
  framing: "line",
  connections: [
    { name: "first", steps: [expect(/^hello (?<name>\w+)$/), send("bye {name}")] },
    { when: "PING", steps: [send("PONG")] },
    { when: /^GO/, steps: [reset()] },
  ],
};

Deno.test("mock() serves a script to the client under test (#20 point 7)", async () => {
  await using server = await mock(SCRIPT);
  await runScript(await dial(server.endpoint), [send("hello ann"), expect("bye ann")]);
  await runScript(await dial(server.endpoint), [send("PING"), expect("PONG"), send("GO"), expectReset()]);
  await server.verify();
});

Deno.test("mock().verify() throws the difference of the first client that does otherwise (#20 point 7)", async () => {
  await using server = await mock(SCRIPT, { endpoints: ["tcp://127.0.0.1:0", "ws://127.0.0.1:0/"] });
  assertEquals(server.endpoints.map(formatEndpoint).length, 2);
  await using client = await dial(server.endpoints[1] ?? "");
  client.send("hello");
  for await (const message of client) throw new Error(message.text());
  const error = await assertRejects(() => server.verify(), ExpectationError);
  assertStringIncludes(error.message, "connection 1: first: expected /^hello (?<name>\\w+)$/ from ws://");
  assertStringIncludes(error.message, "received  hello");
});
