import { assertEquals, assertRejects } from "@std/assert";
import { dial, UsageError } from "@parley/parley";
import { check } from "@parley/parley/probe";
import { expect, expectClose, runScript, send } from "@parley/parley/script";
import { serve } from "@parley/parley/server";
import { startRelay, startService } from "@parley/parley/testing";

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

Deno.test("startService() rejects unknown services and flags", async () => {
  await assertRejects(() => startService("ecco"), UsageError, "unknown service");
  await assertRejects(() => startService("echo", ["--nothing"]), UsageError, "--nothing");
});
