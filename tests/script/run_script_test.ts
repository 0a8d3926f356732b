import { assertEquals } from "@std/assert";
import { dial, type Session } from "@parley/parley";
import { expect, runScript, send } from "@parley/parley/script";
import { serve } from "@parley/parley/server";

/** Sends two messages at once, then a third in reply to the first one that it receives. */
async function talk(session: Session): Promise<void> {
  session.send("one,");
  session.send("two,");
  for await (const message of session) {
    session.send(`three ${message.text()}`);
    return;
  }
}

const WAYS = [["tcp://127.0.0.1:0", "line"], ["tcp://127.0.0.1:0", "raw"], ["ws://127.0.0.1:0/", "line"]] as const;

for (const [endpoint, framing] of WAYS) {
  Deno.test(`runScript() with leavesOpen leaves what it has not matched: ${endpoint}, ${framing}`, async () => {
    await using server = await serve(endpoint, talk, { framing });
    await using session = await dial(server.endpoint, { framing });
    await runScript(session, [expect("one,")], { leavesOpen: true });
    await runScript(session, [expect("two,"), send("x")], { leavesOpen: true });
    let rest = "";
    for await (const message of session) rest += message.text();
    assertEquals(rest, "three x");
  });
}
