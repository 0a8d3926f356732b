import { assert, assertEquals } from "@std/assert";
import { connect } from "@parley/parley";
import { hashPassword, parsePasswordFile, PasswordAuthenticator, serve } from "@parley/parley/server";
import { utf8 } from "../../src/base/bytes.ts";
import { rawCodec } from "../../src/framing/raw.ts";
import { logInFirst } from "../../src/server/log_in_first.ts";
import type { Session } from "../../src/session/session.ts";
import { StreamSession } from "../../src/session/stream_session.ts";
import { drip, FakeTime } from "../support/fake_time.ts";
import { fakeConnection } from "../support/fake_transport.ts";

/** A service behind a login over a fake transport; only `ann` with the password `secret` may use it. */
function start() {
  const { transport, connection } = fakeConnection();
  const served: string[] = [];
  const service = {
    async serve(session: Session) {
      for (let batch = await session.receive(); batch; batch = await session.receive()) {
        served.push(...batch.map(({ data }) => new TextDecoder().decode(data)));
      }
    },
  };
  const authenticator = {
    verify: (name: string, password: string) =>
      Promise.resolve(name === "ann" && password === "secret" ? { name, roles: [] } : undefined),
  };
  const running = logInFirst(service, { authenticator, isRaw: true, timeoutMs: 10_000 })
    .serve(new StreamSession(connection, rawCodec), connection);
  return { transport, running, served };
}

Deno.test("logInFirst() ends a client that sends one byte after another at its deadline", async () => {
  using time = new FakeTime();
  const { transport, running } = start();
  const tookMs = await drip(time, {
    everyMs: 500,
    send: () => transport.say("/"),
    ended: running,
    maxMs: 60_000,
  });
  assert(tookMs >= 10_000 && tookMs <= 12_500, `the login was given ${tookMs} ms`);
  assertEquals(transport.writes.join(""), "! login timed out\n");
});

Deno.test("logInFirst() reads a line of 1,024 bytes (MAX_LINE_BYTES), and no more of a longer one", async () => {
  for (const [length, isRead] of [[1_024, true], [1_025, false]] as const) {
    using time = new FakeTime();
    const { transport, running, served } = start();
    const line = `/login ann secret`;
    // Blanks at the end are not part of the password.
    transport.say(utf8(line.padEnd(length)));
    await time.advance(1);
    assertEquals(transport.writes.length, isRead ? 0 : 1, `${length} bytes`);
    transport.say("\nhello", null);
    await running;
    assertEquals(served, isRead ? ["hello"] : ["\nhello"]);
  }
});

Deno.test("logInFirst() gives the service the identity, and the messages sent with the login", async () => {
  const seen: unknown[] = [];
  const users = parsePasswordFile(`ann:${await hashPassword("secret")}:operator\n`, "users");
  await using server = await serve("tcp://127.0.0.1:0", async (session) => {
    for await (const message of session) {
      seen.push([session.identity, message.text()]);
      break;
    }
    for await (const message of session) seen.push(message.text());
  }, { authenticator: new PasswordAuthenticator(users) });
  await using client = await connect(server.endpoint);
  await client.write("/login ann secret\none\ntwo\n");
  await client.closeWrite();
  while (await client.read() !== null);
  assertEquals(seen, [[{ name: "ann", roles: ["operator"] }, "one"], "two"]);
});

Deno.test("logInFirst() keeps what else the service has", () => {
  const service = {
    serve: () => Promise.resolve(),
    subprotocols: ["events.v1"],
    routes: { "GET /": { body: "page" } },
    resetsConnections: true,
    fault: "still loading" as string | undefined,
  };
  const authenticator = { verify: () => Promise.resolve(undefined) };
  const { subprotocols, routes, resetsConnections, ...guarded } = logInFirst(service, {
    authenticator,
    isRaw: false,
    timeoutMs: 10_000,
  });
  assertEquals({ subprotocols, routes, resetsConnections }, {
    subprotocols: service.subprotocols,
    routes: service.routes,
    resetsConnections: true,
  });
  assertEquals(guarded.fault, "still loading");
});
