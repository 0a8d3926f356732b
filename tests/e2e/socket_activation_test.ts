import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { expandSystemdSockets } from "../../src/commands/server/systemd_sockets.ts";
import { fakeEnv } from "../support/fake_env.ts";
import { CertificateFiles } from "../support/certificate_files.ts";
import { withinTime } from "../support/give_back.ts";
import { dialStream, writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { runProgram } from "../support/program.ts";
import { runClient } from "../support/run_client.ts";
import { toolTest } from "../support/tools.ts";

const SERVER = new URL("../../src/server.ts", import.meta.url).pathname;
const OPTIONS = ["--log-level", "off"];

/** Opens a listening socket at descriptor 3 of a program, and prints its port. */
const LAUNCHER = `
import os, socket, sys
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(8)
os.dup2(listener.fileno(), 3); os.set_inheritable(3, True)
print(listener.getsockname()[1], flush=True)
os.execvp(sys.argv[1], sys.argv[1:])
`;

function serverWords(...args: string[]): string[] {
  return [Deno.execPath(), "run", "-q", "--no-lock", "-N", "-R", SERVER, ...args, ...OPTIONS];
}

for (const scheme of ["", "ws://"]) {
  toolTest("python3", `echo ${scheme}fd:3 serves on an inherited socket, one client after the other`, async () => {
    const args = ["-c", LAUNCHER, ...serverWords("echo", `${scheme}fd:3`, "--exit-after", "2")];
    const child = new Deno.Command("python3", { args, stdin: "null", stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    for (const text of ["one", "two"]) {
      // The kernel accepts at once: what is sent waits until the server has started.
      const { code, stderr } = await runClient([
        "send",
        `${scheme || "tcp://"}127.0.0.1:${port}`,
        text,
        "--expect",
        text,
      ]);
      assertEquals(code, 0, stderr);
    }
    await reader.cancel();
    assertEquals((await child.status).code, 0);
  });
}

/** Opens a listening socket at descriptor 3 of a program that may open few files, and prints its port. */
const POOR_LAUNCHER = `import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
${LAUNCHER.replace("listen(8)", "listen(512)")}`;

for (const [scheme, permission] of [["tcp", "-N"], ["tls", "-N"], ["tcp", "--allow-net=127.0.0.1:1"]] as const) {
  const title = `${scheme}://fd:3 with ${permission} accepts again after descriptors have run out, more than once`;
  toolTest("python3", title, async () => {
    await using files = await CertificateFiles.create();
    const tls = scheme === "tls" ? files.flags() : [];
    // More than there are descriptors, whatever the limit that the server reads.
    const words = serverWords("echo", `${scheme}://fd:3`, "--max-connections", "1000", ...tls);
    words[words.indexOf("-N")] = permission;
    const args = ["-c", POOR_LAUNCHER, ...words];
    await using child = new Deno.Command("python3", { args, stdin: "null", stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    const ca = scheme === "tls" ? await Deno.readTextFile(files.path("ca.pem")) : undefined;
    const endpoint = `${scheme}://127.0.0.1:${port}`;
    for (let burst = 0; burst < 2; burst++) {
      using clients = new DisposableStack();
      const dials = await Promise.allSettled(Array.from({ length: 150 }, () => Deno.connect({ port })));
      for (const dial of dials) if (dial.status === "fulfilled") clients.use(dial.value);
      // The second time it resets clients before it has no descriptor left.
      while (burst === 0 && [...Deno.readDirSync(`/proc/${child.pid}/fd`)].length < 100) {
        await new Promise((done) => setTimeout(done, 5));
      }
      clients.dispose();
      await withinTime(echoes(endpoint, ca), `a client after burst ${burst}`, 30_000);
    }
    child.kill("SIGTERM");
    await reader.cancel();
    assertEquals((await child.status).code, 0);
  });
}

/** Waits until a client is served. */
async function echoes(endpoint: string, ca: string | undefined): Promise<void> {
  for (;;) {
    try {
      using conn = await dialStream(endpoint, ca);
      await writeAll(conn, "x");
      if (await conn.read(new Uint8Array(1)) === 1) return;
    } catch (error) {
      // It is reset while the server has too few descriptors.
      if (!(error instanceof Error)) throw error;
    }
  }
}

/** Starts a server by systemd-socket-activate with its first client. */
async function activated(
  ports: readonly number[],
  words: readonly string[],
  more: readonly string[],
  run: () => Promise<void>,
): Promise<void> {
  const listened = ports.flatMap((port) => ["-l", `127.0.0.1:${port}`]);
  const args = [...listened, ...more, ...words];
  await using child = new Deno.Command("systemd-socket-activate", { args, stdin: "null", stderr: "null" }).spawn();
  await run();
  assertEquals((await child.status).code, 0);
}

toolTest("systemd-socket-activate", "systemd-socket-activate starts a server with its first client", async () => {
  const port = closedPort();
  await activated([port], serverWords("echo", "fd:3", "--exit-after", "1"), [], async () => {
    assertEquals((await runClient(["check", `:${port}`, "--wait", "10s", "--stable-for", "1ms"])).code, 0);
  });
});

toolTest("systemd-socket-activate", "a server listens on the sockets that systemd has named for it", async () => {
  const ports = [closedPort(), closedPort(), closedPort()];
  await using files = await CertificateFiles.create();
  const tls = files.flags();
  const words = serverWords(
    "echo",
    "systemd:plain",
    "tls://systemd:secret",
    "ws://systemd:web/talk",
    ...tls,
    "--exit-after",
    "4",
  );
  words.splice(words.indexOf("-N"), 0, "--allow-env=LISTEN_PID,LISTEN_FDS,LISTEN_FDNAMES");
  await activated(ports, words, ["--fdname=plain:secret:web"], async () => {
    const endpoints = [`tcp://127.0.0.1:${ports[0]}`, `tls://127.0.0.1:${ports[1]}`, `ws://127.0.0.1:${ports[2]}/talk`];
    assertEquals((await runClient(["check", `:${ports[0]}`, "--wait", "10s", "--stable-for", "1ms"])).code, 0);
    for (const endpoint of endpoints) {
      const trust = endpoint.startsWith("tls") ? ["--tls-ca", files.path("ca.pem")] : [];
      const { code, stdout, stderr } = await runClient(["send", endpoint, "hello", "--expect", "hello", ...trust]);
      assertEquals([code, stdout.trim()], [0, "hello"], stderr);
    }
  });
});

Deno.test("sockets of another process, none, or none of that name are rejected with the reason", () => {
  const variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] as const;
  const cases:
    readonly (readonly [values: readonly string[], endpoint: string, outcome: string | readonly string[]])[] = [
      [[], "systemd", "no sockets were passed"],
      [[String(Deno.pid), "0"], "systemd", "no sockets were passed"],
      [[String(Deno.pid + 1), "1"], "systemd", `passed to process ${Deno.pid + 1}`],
      [[String(Deno.pid), "2", "a:b"], "systemd:c", "the sockets are named a, b"],
      [[String(Deno.pid), "3", "a:b:a"], "ws://systemd:a/x?y", ["ws://fd:3/x?y", "ws://fd:5/x?y"]],
      [[String(Deno.pid), "2"], "systemd", ["fd:3", "fd:4"]],
      [[String(Deno.pid), "2"], "systemd:8888", ["systemd:8888"]],
    ];
  for (const [values, endpoint, outcome] of cases) {
    using _env = fakeEnv(Object.fromEntries(variables.map((name, index) => [name, values[index]])));
    if (typeof outcome === "string") assertThrows(() => expandSystemdSockets([endpoint]), UsageError, outcome);
    else assertEquals(expandSystemdSockets([endpoint]), outcome);
  }
});

Deno.test("an inherited socket takes neither --reuse-port nor --workers", async () => {
  for (const flags of [["--reuse-port"], ["--workers", "2"]]) {
    const { code, stderr } = await runProgram("server", ["echo", "fd:3", ...flags], { permissions: ["-A"] });
    assertEquals([code, stderr.includes("an inherited socket is shared by no other")], [2, true], stderr);
  }
});

Deno.test("a descriptor that is not a listening TCP socket is rejected with one line", async () => {
  for (const descriptor of [1, 77, 65_535]) {
    const { code, stderr } = await runProgram("server", ["echo", `fd:${descriptor}`]);
    assertEquals(code, 8, stderr);
    assertStringIncludes(
      stderr,
      `Cannot listen on fd:${descriptor}: descriptor ${descriptor} is not a listening TCP socket`,
    );
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
});
