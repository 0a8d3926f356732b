import { assertEquals } from "@std/assert";
import { connect, dial, openSession, type Session } from "@parley/parley";
import { hashPassword, parsePasswordFile, PasswordAuthenticator, serve } from "@parley/parley/server";

const users = parsePasswordFile(`ann:${await hashPassword("secret")}\n`, "users");

/** Up to two lines of a client, once it has sent its own. */
async function ask(session: Session, ...lines: string[]): Promise<string[]> {
  for (const line of lines) session.send(line);
  const answers: string[] = [];
  for await (const message of session) if (answers.push(message.text()) === 2) break;
  return answers;
}

Deno.test("library program 4: a line protocol with a login and rate limits", async () => {
  await using server = await serve("tcp://127.0.0.1:0", async (session) => {
    for await (const message of session) session.send(message.text().toUpperCase());
  }, { authenticator: new PasswordAuthenticator(users), rates: { messagesPerSecond: 100 }, maxPerAddress: 10 });
  await using ann = await dial(server.endpoint);
  assertEquals(await ask(ann, "/login ann secret", "hello"), ["* logged in as ann", "HELLO"]);
  await using mallory = openSession(await connect(server.endpoint), "line");
  assertEquals(await ask(mallory, "/login ann guess", "hello"), ["! wrong name or password"]);
});

Deno.test("library program 4: the address list and the limit by address hold", async () => {
  const handler = async (session: Session) => {
    for await (const _ of session);
  };
  await using closed = await serve("tcp://127.0.0.1:0", handler, { deny: ["127.0.0.0/8"] });
  await using denied = await dial(closed.endpoint);
  assertEquals(await ask(denied), []);
  await using small = await serve("tcp://127.0.0.1:0", handler, { maxPerAddress: 1, limitsLoopback: true });
  await using _first = await dial(small.endpoint);
  await using second = await dial(small.endpoint);
  assertEquals(await ask(second), ["! too many connections from your address: at most 1"]);
});
