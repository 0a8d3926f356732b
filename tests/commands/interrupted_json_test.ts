/** Every command with `--json` prints results that agree with its exit code, also when a signal ends it. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { FakeIo } from "../support/fake_io.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";

const PROGRAMS = { client: clientProgram, udp: udpProgram } as const;

/** `TCP` and `UDP` stand for peers that never answer, `PORT` for the first one's port. */
const CASES: readonly (readonly [keyof typeof PROGRAMS, ...string[]])[] = [
  ["client", "send", "TCP", "x", "--expect", "y", "--timeout", "1h"],
  ["client", "send", "ws://127.0.0.1:PORT", "x", "--handshake-timeout", "1h"],
  ["client", "check", "TCP", "--banner", "x", "--timeout", "1h"],
  ["client", "check", "127.0.0.1:1", "--wait", "1h"],
  ["client", "check", "ws://127.0.0.1:PORT", "--timeout", "1h"],
  ["client", "check", "postgres://127.0.0.1:PORT", "--timeout", "1h"],
  ["client", "inspect", "tls://127.0.0.1:PORT", "--handshake-timeout", "1h"],
  ["client", "bench", "TCP", "-c", "1", "-d", "1h", "--timeout", "1h"],
  ["client", "bench", "tls://127.0.0.1:PORT", "-c", "1", "--handshake-timeout", "1h"],
  ["udp", "send", "UDP", "x", "--timeout", "1h"],
  ["udp", "bench", "UDP", "-d", "1h"],
];

for (const [program, ...words] of CASES) {
  Deno.test(`${program} ${words.join(" ")} --json agrees with the exit code when it is interrupted (fault 46)`, async () => {
    const silent = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
    try {
      await using peer = scriptedPeer(() => {});
      const args = words.map((word) =>
        word.replace("TCP", peer.endpoint).replace("UDP", `udp://127.0.0.1:${(silent.addr as Deno.NetAddr).port}`)
          .replace("PORT", new URL(peer.endpoint).port)
      );
      const io = new FakeIo();
      const running = runProgram(PROGRAMS[program], [...args, "--json", "--log-level", "off"], io);
      // Long enough to be waiting for the peer; the outcome is the same before.
      await new Promise((resolve) => setTimeout(resolve, 50));
      io.stop.send("SIGINT");
      assertEquals(await running, 130, io.err);
      const results = io.out.trim().split("\n").map((line) => JSON.parse(line));
      const last = results.at(-1);
      assertNotEquals(last, undefined);
      assertEquals([last.ok ?? false, last.exitCode], [false, 130], io.out);
      assertEquals(results.filter(({ exitCode }) => exitCode !== undefined).length, 1, io.out);
    } finally {
      silent.close();
    }
  });
}
