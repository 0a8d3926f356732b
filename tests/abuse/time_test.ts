/** ABUSE: clients that take their time, cases 12 and 16. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { dial, LinePeer, readTextToEnd, readToEnd, writeAll } from "../support/peer.ts";
import { startProgram } from "../support/program.ts";
import { echoLine, withAbuse } from "./support.ts";

Deno.test("abuse 12: 200 clients that send nothing are closed by the idle timeout, counted by reason", () =>
  withAbuse({
    args: ["echo", "--idle-timeout", "1s"],
    async abuse({ endpoint, until }) {
      const startMs = performance.now();
      const silent = await Promise.all(Array.from({ length: 200 }, () => dial(endpoint)));
      const ends = await Promise.all(silent.map((conn) => readToEnd(conn)));
      assertGreaterOrEqual(performance.now() - startMs, 995);
      assert(ends.every((bytes) => bytes.length === 0));
      for (const conn of silent) conn.close();
      assertEquals((await until(({ open }) => open === 1)).closedByReason, { "idle timeout": 200 });
    },
  }));

Deno.test("abuse 12: a client that is busy is closed by the lifetime", async () => {
  await using server = startProgram("server", ["echo", ":0", "--print-endpoint", "--max-lifetime", "500ms"]);
  using conn = await dial(await server.line());
  const startMs = performance.now();
  try {
    for (;;) await echoLine(conn);
  } catch {
    assertGreaterOrEqual(performance.now() - startMs, 495);
  }
});

Deno.test("abuse 16: a client that never logs in is closed at the deadline; commands before the login are rejected", async () => {
  const file = await Deno.makeTempFile();
  try {
    const hashed = startProgram("server", ["hash-password", "ann"]);
    await hashed.type("secret\n");
    await Deno.writeTextFile(file, (await hashed.outcome()).stdout);
    const logIn = async (witness: Deno.TcpConn) => {
      await writeAll(witness, "/login ann secret\n");
      const answer = new Uint8Array(64);
      assertEquals(
        new TextDecoder().decode(answer.subarray(0, await witness.read(answer) ?? 0)),
        "* logged in as ann\n",
      );
    };
    await withAbuse({
      args: ["echo", "--framing", "line", "--auth", file],
      permissions: [`--allow-read=${file}`],
      greet: logIn,
      async abuse({ endpoint, until }) {
        const startMs = performance.now();
        using silent = await dial(endpoint);
        using dripping = await dial(endpoint);
        await writeAll(dripping, "/log");
        using commanding = await dial(endpoint);
        const peer = new LinePeer(commanding);
        await peer.send("hello?");
        assertEquals(await peer.line(), "! log in first: /login NAME PASSWORD");
        assertEquals(await readTextToEnd(silent), "! login timed out\n");
        assertEquals(await readTextToEnd(dripping), "! login timed out\n");
        assertGreaterOrEqual(performance.now() - startMs, 9_990);
        for (const conn of [silent, dripping, commanding]) conn.close();
        const { closedByReason } = await until(({ open }) => open === 1);
        assertEquals(closedByReason, { denied: 1, "log-in timeout": 2 });
      },
    });
  } finally {
    await Deno.remove(file);
  }
});
