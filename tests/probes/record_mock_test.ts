/** A conversation with a real server, recorded by the relay and played by the mock. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { FakeIo } from "../support/fake_io.ts";
import { closedPort } from "../support/ports.ts";
import { RealServer } from "../support/real_server.ts";
import { runClient } from "../support/run_client.ts";
import { RunningMock } from "../support/running_mock.ts";
import { toolTest } from "../support/tools.ts";

const BIN = "/usr/lib/postgresql/15/bin";

toolTest(
  `${BIN}/postgres`,
  "psql prints the same with mock as with the PostgreSQL that was recorded (#20)",
  async () => {
    await using server = await RealServer.create();
    const port = closedPort();
    await server.run(`${BIN}/initdb`, ["-D", "data", "-U", "app", "-A", "trust", "--no-sync"]);
    server.start(`${BIN}/postgres`, ["-D", "data", "-p", String(port), "-k", server.folder, "-h", "127.0.0.1", "-F"]);
    const ready = await runClient(["check", `postgres://127.0.0.1:${port}/postgres`, "--wait", "60s"]);
    assertEquals([ready.code, ready.stderr], [0, ""]);
    const ask = (at: number, sql: string) =>
      server.run(`${BIN}/psql`, [
        ...["-c", sql, `host=127.0.0.1 port=${at} user=app dbname=postgres sslmode=disable gssencmode=disable`],
      ]);
    const recording = `${server.folder}/talk.jsonl`;
    const sql = "select n, n * n as square from generate_series(1, 3) n";
    const io = new FakeIo();
    const words = [
      "relay",
      "--print-endpoint",
      "--log-level",
      "off",
      ":0",
      `127.0.0.1:${port}`,
      "--record",
      recording,
      "--exit-after",
      "1",
    ];
    const relaying = runProgram(serverProgram, words, io);
    const relayPort = Number(await io.printed(/:(\d+)\n/));
    const real = await ask(relayPort, sql);
    assertEquals(await relaying, 0);
    assertStringIncludes(real, "(3 rows)");
    await using mock = await RunningMock.start(await Deno.readTextFile(recording), ["--exit-after", "1"]);
    assertEquals(await ask(mock.port, sql), real);
    const { code, out } = await mock.ended();
    assertStringIncludes(out, "1 passed, 0 failed");
    assertEquals(code, 0);
  },
);
