import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { runProgram } from "../../../../src/cli/run_program.ts";
import { newHistogram, percentileMs } from "../../../../src/load/histogram.ts";
import { clientProgram } from "../../../../src/commands/client/program.ts";
import { FakeIo } from "../../../support/fake_io.ts";
import { fullListener } from "../../../support/full_listener.ts";
import { runProgram as runProcess } from "../../../support/program.ts";
import { closedPort } from "../../../support/ports.ts";

interface EchoPeer extends AsyncDisposable {
  readonly endpoint: string;
  /** Connections that were accepted. */
  accepted: number;
  /** Messages that were echoed. */
  echoed: number;
}

/** Echoes messages of 64 bytes; closes each connection after so many of them. */
function echoPeer(messagesEach = Infinity): EchoPeer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = new Set<Promise<void>>();
  const peer: EchoPeer = {
    endpoint: `tcp://127.0.0.1:${listener.addr.port}`,
    accepted: 0,
    echoed: 0,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
  async function serve(conn: Deno.TcpConn): Promise<void> {
    using _ = conn;
    conn.setNoDelay(true);
    const bytes = new Uint8Array(64);
    for (let left = messagesEach; left > 0; left--) {
      for (let filled = 0; filled < bytes.length;) {
        const count = await conn.read(bytes.subarray(filled)).catch(() => null);
        if (count === null) return;
        filled += count;
      }
      peer.echoed++;
      if (await conn.write(bytes).catch(() => null) === null) return;
    }
  }
  const accepting = (async () => {
    for await (const conn of listener) {
      peer.accepted++;
      const served = serve(conn).finally(() => serving.delete(served));
      serving.add(served);
    }
  })();
  return peer;
}

async function bench(args: readonly string[], io = new FakeIo()) {
  const code = await runProgram(clientProgram, ["bench", "--json", ...args], io);
  return { code, report: JSON.parse(io.out), err: io.err };
}

Deno.test("bench reconnects at once to a server that has answered before it closed (fault 43)", async () => {
  await using peer = echoPeer(10);
  const { code, report } = await bench([peer.endpoint, "-c", "1", "-d", "600ms", "--warmup", "1ms"]);
  assertEquals(code, 7);
  // Waits that double from 10 ms allow 6 connections in that time.
  assertGreater(peer.accepted, 20);
  assertGreater(report.answered, 200);
});

Deno.test("bench waits longer and longer for a server that never answers before it closes (fault 43)", async () => {
  await using peer = echoPeer(0);
  await bench([peer.endpoint, "-c", "1", "-d", "400ms", "--warmup", "1ms"]);
  assertGreater(peer.accepted, 1);
  // 10, 20, 40, 80, 160, 320 ms.
  assertLessOrEqual(peer.accepted, 8);
});

for (
  const [name, load] of [["closed loop", []], ["open loop", ["--rate", "2000"]], ["pool", ["--pool", "1"]]] as const
) {
  Deno.test(`bench -n measures that many messages after a warm-up: ${name} (fault 44)`, async () => {
    await using peer = echoPeer();
    const args = [peer.endpoint, "-c", "2", "-n", "200", "--warmup", "100ms", ...load];
    const { code, report } = await bench(args);
    assertEquals([code, report.sent, report.answered, report.lost], [0, 200, 200, 0]);
    assertGreater(peer.echoed, 200);
  });
}

Deno.test("bench -n 1 measures one message whatever is in flight at the end of a warm-up (fault 44)", async () => {
  await using peer = echoPeer();
  const { report } = await bench([peer.endpoint, "-c", "4", "--depth", "8", "-n", "1", "--warmup", "50ms"]);
  assertEquals([report.sent, report.answered], [1, 1]);
});

Deno.test("percentileMs() is never above the maximum (fault 45)", () => {
  for (const values of [[2_049], [4_097, 4_099], [10_007], [1, 99_999_999], [3, 70_001, 70_003]]) {
    const histogram = newHistogram();
    for (const value of values) histogram.recordValue(value);
    for (const percent of [0, 50, 90, 99, 99.9, 100]) {
      assertLessOrEqual(percentileMs(histogram, percent), Math.max(...values) / 1_000, `p${percent} of ${values}`);
    }
    assertEquals(percentileMs(histogram, 100), histogram.maxValue / 1_000);
  }
});

Deno.test("bench reports no percentile above its maximum, in JSON and to --fail-if (fault 45)", async () => {
  await using peer = echoPeer();
  const { report } = await bench([peer.endpoint, "-c", "2", "-n", "300"]);
  const { max, ...others } = report.latencyMs;
  for (const [name, value] of Object.entries(others)) assertLessOrEqual(value as number, max, name);
  for (const second of report.seconds) assertLessOrEqual(second.p99Ms, max);
});

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`bench --json agrees with the exit code after ${signal} (fault 46)`, async () => {
    await using peer = echoPeer();
    const io = new FakeIo();
    const running = bench([peer.endpoint, "-c", "1", "-d", "1h", "--warmup", "1ms"], io);
    while (peer.echoed < 10) await new Promise((resolve) => setTimeout(resolve, 1));
    io.stop.send(signal);
    const { code, report } = await running;
    assertEquals([code, report.ok, report.exitCode], [exitCode, false, exitCode]);
  });
}

Deno.test("bench --json is one object when it is interrupted before it is connected (fault 46)", async () => {
  using full = await fullListener();
  const io = new FakeIo();
  const running = bench([`127.0.0.1:${full.port}`, "-c", "1", "--connect-timeout", "1h"], io);
  await new Promise((resolve) => setTimeout(resolve, 20));
  io.stop.send("SIGINT");
  const { code, report } = await running;
  assertEquals([code, report.ok, report.exitCode, report.error.name], [130, false, 130, "StoppedError"]);
});

Deno.test("bench --workers opens no connection beyond -c (fault 60)", async () => {
  await using peer = echoPeer();
  const args = ["bench", "--json", peer.endpoint, "-c", "4", "-n", "100", "--workers", "2"];
  const { code, stdout, stderr } = await runProcess("client", args, { permissions: ["-N", "-R"] });
  assertEquals([code, JSON.parse(stdout).answered, peer.accepted], [0, 100, 4], stderr);
});

Deno.test("bench --workers keeps the name and the exit code of a worker's failure (fault 60)", async () => {
  const args = ["bench", "--json", `127.0.0.1:${closedPort()}`, "-c", "2", "--workers", "2"];
  const { code, stdout, stderr } = await runProcess("client", args, { permissions: ["-N", "-R"] });
  const { exitCode, error } = JSON.parse(stdout);
  assertEquals([code, exitCode, error.name], [4, 4, "RefusedError"], stderr);
  assert(stderr.split("\n").length === 2, stderr);
});
