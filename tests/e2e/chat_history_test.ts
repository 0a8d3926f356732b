import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { enterChat, JsonPeer } from "../support/chat_peer.ts";
import { killUnderLoad, makeHistory } from "../support/chat_history.ts";
import { readRoom } from "../support/publisher.ts";
import type { LinePeer } from "../support/peer.ts";
import { runProgram, startServer } from "../support/program.ts";

Deno.test("--history: four times kill -9 under load, no acknowledged message is missing or duplicated", () =>
  killUnderLoad(4));

Deno.test("--history: a client resumes after a restart, and users see earlier messages", async () => {
  await using history = await makeHistory();
  let epoch: unknown;
  {
    await using started = await startServer(history.args, { permissions: history.permissions });
    const peer = await JsonPeer.enter(started.endpoint);
    await peer.send({ type: "join", room: "#lobby" });
    epoch = (await peer.until("joined")).epoch;
    for (const text of ["one", "two"]) {
      await peer.send({ type: "publish", room: "#lobby", text });
      await peer.until("ack");
    }
    started.server.kill("SIGTERM");
    await peer.ended();
    peer[Symbol.dispose]();
    assertEquals((await started.server.outcome()).code, 0);
  }
  await using started = await startServer(history.args, { permissions: history.permissions });
  using human = await enterChat(started.endpoint);
  assertMatch(await human.line() ?? "", /^\[#lobby (?:[\d-]+ )?\d\d:\d\d\] guest1: one$/);
  using peer = await JsonPeer.enter(started.endpoint);
  await peer.send({ type: "join", room: "#lobby", epoch, seq: 1 });
  assertEquals((await peer.until("joined")).resumed, true);
  const { seq, text } = await peer.until("message");
  assertEquals([seq, text], [2, "two"]);
});

Deno.test("--history: the topic and the bans of a room survive a restart", async () => {
  await using history = await makeHistory();
  {
    await using started = await startServer(history.args, { permissions: history.permissions });
    using ann = await enterChat(started.endpoint, "ann");
    await ann.send("/topic tea\n/ban bob 1h");
    await ann.until(/banned bob/);
    started.server.kill("SIGKILL");
  }
  await using started = await startServer(history.args, { permissions: history.permissions });
  using bob = await enterChat(started.endpoint);
  assertEquals(await bob.until(/Topic/), "* Topic of #lobby: tea");
  await bob.send("/leave\n/nick bob\n/join #lobby");
  assertMatch(await bob.until(/^!/), /^! You are banned from #lobby until/);
});

Deno.test("--history: a missing permission, a damaged file and a missing folder are one line each", async () => {
  await using history = await makeHistory();
  const { path, args } = history;
  const withoutPermission = await runProgram("server", args);
  assertEquals(withoutPermission.code, 8);
  assertEquals(
    withoutPermission.stderr,
    `parley-server: Cannot use "${path}" as the history: run again with ` +
      `--allow-read=${path},${path}-wal,${path}-shm --allow-write=${path},${path}-wal,${path}-shm\n`,
  );
  await Deno.writeFile(path, crypto.getRandomValues(new Uint8Array(8_192)));
  const damaged = await runProgram("server", args, { permissions: history.permissions });
  assertEquals(damaged.code, 2);
  assertMatch(damaged.stderr, /^parley-server: Cannot use ".*" as the history: not a SQLite database/);
  const lost = await runProgram("server", ["chat", ":0", "--history", "/nonexistent/chat.db"], { permissions: ["-A"] });
  assertEquals(lost.code, 2);
  assertMatch(lost.stderr, /: no such folder\n/);
});

Deno.test({
  name: "--history: a file or a folder that cannot be written is one line, before anything listens",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using history = await makeHistory();
    const { path, args, permissions } = history;
    // Root writes whatever the mode says, as long as it has this capability.
    const wrapper = Deno.uid() === 0 ? ["setpriv", "--bounding-set", "-dac_override"] : [];
    {
      using database = new DatabaseSync(path);
      database.exec("CREATE TABLE other (id INTEGER)");
    }
    const folder = path.slice(0, path.lastIndexOf("/"));
    for (const [made, why] of [[path, "it cannot be written"], [folder, "permission denied"]] as const) {
      const isFile = made === path;
      const mode = isFile ? 0o444 : 0o555;
      if (!isFile) await Deno.remove(path);
      await Deno.chmod(made, mode);
      const { code, stdout, stderr } = await runProgram("server", [...args, "--print-endpoint"], {
        permissions,
        wrapper,
      });
      await Deno.chmod(made, 0o755);
      assertEquals([code, stdout, stderr.split("\n").length], [8, "", 2], stderr);
      assertMatch(stderr, new RegExp(`^parley-server: Cannot use ".*" as the history: .*${why}\n$`));
    }
  },
});

async function topicOf(peer: LinePeer, text: string): Promise<string> {
  await peer.send(`/topic ${text}`);
  return await peer.until(/^!|set the topic/);
}

/** A limit on the size of its files is what a full disk looks like to a program. */
const FULL_DISK = ["sh", "-c", 'trap "" XFSZ; ulimit -f 200; exec "$0" "$@"'];

Deno.test({
  name: "--history: on a full disk a ban is refused, not announced, and /healthz fails (chat M6)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using history = await makeHistory();
    {
      await using started = await startServer([...history.args, "--metrics", "127.0.0.1:0"], {
        permissions: history.permissions,
        wrapper: FULL_DISK,
      });
      const health = async () => await fetch(new URL("/healthz", metrics));
      const metrics = await started.server.line();
      assertEquals(await (await health()).text(), "ok\n");
      using ann = await enterChat(started.endpoint, "ann");
      for (let count = 0; !/^!/.test(await topicOf(ann, `${count} ${"x".repeat(200)}`)); count++) {
        assert(count < 5_000, "the disk is never full");
      }
      await ann.send("/ban bob");
      assertMatch(await ann.until(/^!|banned/), /^! The server's history fails: .*nothing was stored$/);
      const failed = await health();
      assertEquals(failed.status, 503);
      assertMatch(await failed.text(), /^messages cannot be stored: /);
      await ann.send("/join #lobby\n/leave\n/nick bob\n/join #lobby");
      await ann.until(/^\* You are in #lobby/);
    }
    await using started = await startServer(history.args, { permissions: history.permissions });
    using bob = await enterChat(started.endpoint, "bob");
    await bob.send("/leave\n/join #lobby");
    assertMatch(await bob.until(/^!|^\* You are in #lobby/), /^\* You are in #lobby/);
  },
});

Deno.test({
  name: "--history: a disk that is full at the start exits 8 (chat L6)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using history = await makeHistory();
    const wrapper = ["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$0" "$@"'];
    const { code, stderr } = await runProgram("server", history.args, { permissions: history.permissions, wrapper });
    assertEquals(code, 8, stderr);
    assertMatch(stderr, /^parley-server: Cannot use ".*" as the history: the disk is full or fails \(.*\)\n$/);
  },
});

Deno.test("--history-age takes days up to ten years (chat M7)", async () => {
  await using started = await startServer(["chat", "tcp://127.0.0.1:0", "--history-age", "3650d"]);
  using _ann = await enterChat(started.endpoint, "ann");
  const { code, stderr } = await runProgram("server", ["chat", ":0", "--history-age", "4000d"]);
  assertEquals(code, 2);
  assertMatch(stderr, /--history-age: Cannot use "4000d" as a duration: the maximum is/);
});

Deno.test({
  name: "--history: on a full disk no unstored message is acknowledged, and the sender is notified",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using history = await makeHistory();
    let acknowledged = 0;
    {
      await using started = await startServer(history.args, { permissions: history.permissions, wrapper: FULL_DISK });
      using peer = await JsonPeer.enter(started.endpoint);
      await peer.send({ type: "join", room: "#full" });
      await peer.until("joined");
      for (let isFull = false; !isFull;) {
        await peer.send({ type: "publish", room: "#full", id: `m${acknowledged}`, text: "x".repeat(3_000) });
        for (let isAnswered = false; !isAnswered;) {
          const event = await peer.next();
          isAnswered = event.type === "ack" || event.type === "error";
          if (event.type === "ack") acknowledged++;
          if (event.type !== "error") continue;
          assertEquals([event.code, event.id], ["not-stored", `m${acknowledged}`]);
          isFull = true;
        }
      }
      assert(acknowledged > 0);
      await started.server.errorLine(/the history fails/);
    }
    await using started = await startServer(history.args, { permissions: history.permissions });
    const stored = await readRoom(started.endpoint, "#full");
    assertEquals(stored.map(({ id }) => id), Array.from({ length: acknowledged }, (_, index) => `m${index}`));
  },
});
