import { assertEquals, assertRejects } from "@std/assert";
import { dial, UsageError } from "@parley/parley";
import { check } from "@parley/parley/probe";
import { expect, expectClose, runScript, send } from "@parley/parley/script";
import { serve } from "@parley/parley/server";
import { mock, startRelay, startService } from "@parley/parley/testing";

Deno.test("library program 7: a server on port 0 in Deno.test, asked by a script", async () => {
  await using server = await serve("tcp://127.0.0.1:0", async (session) => {
    session.send("220 ready");
    for await (const message of session) {
      session.send(message.text() === "QUIT" ? "221 bye" : "500 what?");
      if (message.text() === "QUIT") break;
    }
  });
  assertEquals((await check(server.endpoint)).state, "ready");
  const steps = [expect(/^220 /), send("HELO"), expect("500 "), send("QUIT"), expect("221 bye"), expectClose()];
  await runScript(await dial(server.endpoint), steps, { timeout: "5s" });
});

Deno.test("library program 7: a built-in service behind a bad network", async () => {
  await using echo = await startService("echo");
  await using relay = await startRelay("tcp://127.0.0.1:0", echo.endpoint, { faults: ["limit:5,direction=to-client"] });
  await using session = await dial(relay.endpoint, { framing: "raw" });
  session.send("hello, world");
  let text = "";
  for await (const message of session) text += message.text();
  assertEquals(text, "hello");
});

Deno.test("library program 7: the servers of a test have a port", async () => {
  await using echo = await startService("echo", ["--prefix", "1 "], { framing: "line" });
  await using relay = await startRelay("tcp://127.0.0.1:0", echo.endpoint);
  await using scripted = await mock({ connections: [{ steps: [expect("x"), send("2 x")] }] });
  for (const [endpoint, reply] of [[relay.endpoint, "1 x\n"], [scripted.endpoint, "2 x"]] as const) {
    using client = await Deno.connect({ hostname: endpoint.host, port: endpoint.port });
    await client.write(new TextEncoder().encode("x\n"));
    const bytes = new Uint8Array(16);
    assertEquals(new TextDecoder().decode(bytes.subarray(0, await client.read(bytes) ?? 0)), reply);
  }
});

Deno.test("startService() rejects unknown services and flags", async () => {
  await assertRejects(() => startService("ecco"), UsageError, "unknown service");
  await assertRejects(() => startService("echo", ["--nothing"]), UsageError, "--nothing");
});
