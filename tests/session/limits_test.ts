/** How long a session waits for its peer's end: not less, and not more. */

import { assertEquals } from "@std/assert";
import { parseFraming } from "@parley/parley";
import { StreamSession } from "../../src/session/stream_session.ts";
import { FakeTime } from "../support/fake_time.ts";
import { fakeConnection } from "../support/fake_transport.ts";

for (const how of ["finish", "drain"] as const) {
  Deno.test(`StreamSession.${how}() gives a peer 2 s to end its side (LINGER_MS)`, async () => {
    using time = new FakeTime();
    const { transport, connection } = fakeConnection();
    const session = new StreamSession(connection, parseFraming("line"));
    // A drain ends the wait for the next message.
    const ended = how === "drain" ? session.receive() : session.finish();
    if (how === "drain") session.drain();
    await time.advance(1_990);
    assertEquals([transport.isWriteClosed, connection.closeReason], [true, undefined]);
    await time.advance(20);
    assertEquals(connection.closeReason, how === "drain" ? "drain" : "done");
    await ended;
  });
}
