import { assertEquals, assertMatch, assertObjectMatch } from "@std/assert";
import { JsonPeer } from "../support/chat_peer.ts";
import { dial, LinePeer, readTextToEnd } from "../support/peer.ts";
import { runProgram, startServer } from "../support/in_process.ts";

const PASSWORD = "correct horse";

/** The lines of a file of names: ann is an operator of the server, rob of one room, and bob of nothing. */
const NAMES = await Promise.all(
  [["ann", "--role", "operator"], ["rob", "--role", "operator:#dev"], ["bob"]].map(async (words) =>
    (await runProgram("server", ["hash-password", ...words], { input: `${PASSWORD}\n` })).stdout
  ),
);

/** A chat with these names. */
async function startClosedChat(...flags: string[]) {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/names`;
  await Deno.writeTextFile(file, NAMES.join(""));
  await Deno.writeTextFile(`${folder}/motd`, "Be kind.\nBackups at \x1b[31mnoon.\n");
  const started = await startServer(
    ["chat", "tcp://127.0.0.1:0", "--auth", file, "--motd", `${folder}/motd`, ...flags],
  );
  return {
    endpoint: started.endpoint,
    server: started.server,
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function greeted(endpoint: string): Promise<LinePeer & Disposable> {
  const peer = new LinePeer(await dial(endpoint));
  assertEquals(await peer.line(), "* Welcome to Parley, log in with /login NAME PASSWORD");
  assertEquals([await peer.line(), await peer.line()], ["* Be kind.", "* Backups at \\x1b[31mnoon."]);
  return Object.assign(peer, { [Symbol.dispose]: () => peer.conn.close() });
}

Deno.test("chat --auth rejects everything before the login, and then grants the name and its rights", async () => {
  await using started = await startClosedChat();
  using bob = await greeted(started.endpoint);
  for (const line of ["hello", "/who", "/join #dev", "/msg ann hi", "/nick x"]) {
    await bob.send(line);
    assertEquals(await bob.line(), "! Log in first: /login NAME PASSWORD", line);
  }
  await bob.send("/login bob wrong");
  assertEquals(await bob.line(), "! Wrong name or password");
  await bob.send(`/login bob ${PASSWORD}`);
  assertMatch(await bob.until(/Welcome/), /you are bob/);
  assertEquals(await bob.until(/You are in/), "* You are in #lobby with bob");
  await bob.send("/nick ann");
  assertEquals(await bob.line(), "! You are logged in as bob: that is your name");
  await bob.send("/topic mine");
  assertEquals(await bob.line(), "! Only an operator of #lobby may do that");

  using ann = await greeted(started.endpoint);
  await ann.send(`/login ann ${PASSWORD}`);
  assertEquals(await ann.until(/You are in/), "* You are in #lobby with bob, @ann");
  await ann.send("/announce lunch");
  assertEquals(await bob.until(/Announcement/), "* Announcement by ann: lunch");
});

Deno.test("chat --auth: the operator of one room is one there alone", async () => {
  await using started = await startClosedChat();
  using rob = await greeted(started.endpoint);
  await rob.send(`/login rob ${PASSWORD}\n/topic x\n/join #dev\n/topic y`);
  assertEquals(await rob.until(/^!/), "! Only an operator of #lobby may do that");
  assertEquals(await rob.until(/topic/), "* rob set the topic of #dev: y");
});

Deno.test("chat --auth-timeout ends a conversation without a login", async () => {
  await using started = await startClosedChat("--auth-timeout", "200ms");
  using silent = await greeted(started.endpoint);
  assertEquals([await silent.line(), await silent.line()], ["! Login timed out", undefined]);
});

Deno.test("--auth-timeout without --auth is refused with exit code 2", async () => {
  const { code, stderr } = await runProgram("server", ["echo", ":0", "--auth-timeout", "1s"]);
  assertEquals(code, 2);
  assertMatch(stderr, /^parley-server: --auth-timeout requires --auth$/m);
});

Deno.test("chat --auth disconnects a client that guesses passwords", async () => {
  await using started = await startClosedChat();
  using eve = await greeted(started.endpoint);
  await eve.send("/login bob a\n/login bob b\n/login bob c\n/login bob d\n/login bob e\n/who");
  const lines = (await readTextToEnd(eve.conn)).trimEnd().split("\n");
  assertEquals(lines, Array.from({ length: 5 }, () => "! Wrong name or password"));
});

Deno.test("JSON wire: a login is asked for, checked, and answered with a welcome", async () => {
  await using started = await startClosedChat();
  using lines = await greeted(started.endpoint);
  await lines.send("/mode json");
  const peer = JsonPeer.of(lines);
  assertObjectMatch(await peer.next(), { type: "welcome", loginRequired: true });
  await peer.send({ type: "join", room: "#dev", id: "1" });
  assertObjectMatch(await peer.next(), { type: "error", code: "login-required", id: "1" });
  await peer.send({ type: "login", name: "bob", password: "no", id: "2" });
  assertObjectMatch(await peer.next(), { type: "error", code: "login-failed", id: "2" });
  await peer.send({ type: "login", name: "bob", password: PASSWORD });
  assertObjectMatch(await peer.next(), { type: "welcome", nick: "bob", loginRequired: false });
  await peer.send({ type: "join", room: "#dev" });
  assertObjectMatch(await peer.next(), { type: "joined", room: "#dev" });
});

Deno.test("chat: the log records failed logins and what operators do, and no password (chat M9)", async () => {
  await using started = await startClosedChat();
  using ann = await greeted(started.endpoint);
  await ann.send("/login ann hunter2");
  await ann.until(/^! Wrong name or password/);
  const failed = await started.server.errorLine(/log-in failed/);
  assertMatch(failed, /warning \[chat\] log-in failed .*name=ann .*address=127\.0\.0\.1/);
  await ann.send(`/login ann ${PASSWORD}\n/topic tea\n/ban bob 10m spam\n/server-ban eve`);
  await ann.until(/eve is banned from the server/);
  const topic = await started.server.errorLine(/action=topic/);
  assertMatch(topic, /moderation .*room=#lobby .*by=ann/);
  assertMatch(await started.server.errorLine(/action=ban/), /moderation .*room=#lobby .*by=ann nick=bob .*reason=spam/);
  const whole = await started.server.errorLine(/moderation of the server/);
  assertMatch(whole, /action=ban .*nick=eve .*by=ann/);
  assertEquals([failed, topic, whole].filter((line) => /hunter2|horse/.test(line)), []);
});

Deno.test("chat --history: a ban from the server survives a restart, on the JSON wire too (chat M9)", async () => {
  const folder = await Deno.makeTempDir();
  try {
    {
      await using started = await startClosedChat("--history", `${folder}/chat.db`);
      using ann = await JsonPeer.enter(started.endpoint);
      await ann.send({ type: "login", name: "ann", password: PASSWORD });
      await ann.until("welcome");
      await ann.send({ type: "server-ban", id: "b1", nick: "bob", time: "1h" });
      assertObjectMatch(await ann.until("notice"), { id: "b1", text: "bob is banned from the server" });
    }
    await using started = await startClosedChat("--history", `${folder}/chat.db`);
    using bob = await greeted(started.endpoint);
    await bob.send(`/login bob ${PASSWORD}`);
    assertMatch(await bob.until(/^!/), /^! You are banned from this server until/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
