import { assertEquals, assertMatch } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { enterChat } from "../support/chat_peer.ts";
import { NatsServer } from "../support/nats_server.ts";
import { runProgram, startServer } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";

/** A nats-server that speaks TLS with the named pair of files. */
function startTls(files: CertificateFiles, name = "cert", key = "key"): Promise<NatsServer> {
  const pair = ["--tlscert", files.path(`${name}.pem`), "--tlskey", files.path(`${key}.pem`)];
  return NatsServer.start(["-js", "--tls", ...pair]);
}

function urlOf(nats: NatsServer, user = ""): string {
  return nats.url.replace("nats://127.0.0.1", `tls://${user}localhost`);
}

const CHAT = ["chat", "tcp://127.0.0.1:0", "--cluster"];

toolTest("nats-server", "--cluster tls:// with --cluster-ca trusts the authority that it is given", async () => {
  await using files = await CertificateFiles.create();
  await using nats = await startTls(files);
  const flags = [...CHAT, urlOf(nats), "--cluster-ca", files.path("ca.pem")];
  await using server = await startServer(flags, { permissions: ["-N", `-R=${files.folder}`] });
  using ann = await enterChat(server.endpoint, "ann");
  await ann.send("/topic over TLS");
  await ann.until(/^\* ann set the topic of #lobby: over TLS$/);
  const { code, stderr } = await runProgram("server", flags);
  assertEquals([code, stderr.includes("--allow-read")], [8, true]);
});

toolTest("nats-server", "--cluster-cert authenticates the server to NATS (chat L7)", async () => {
  await using files = await CertificateFiles.create();
  await using strangers = await CertificateFiles.create();
  const pair = ["--tlscert", files.path("cert.pem"), "--tlskey", files.path("key.pem")];
  await using nats = await NatsServer.start(["-js", "--tlsverify", "--tlscacert", files.path("ca.pem"), ...pair]);
  const flags = [...CHAT, urlOf(nats), "--cluster-ca", files.path("ca.pem")];
  const own = (from: CertificateFiles) => [
    "--cluster-cert",
    from.path("cert.pem"),
    "--cluster-key",
    from.path("key.pem"),
  ];
  {
    await using server = await startServer([...flags, ...own(files)], { permissions: ["-N", "-R"] });
    using ann = await enterChat(server.endpoint, "ann");
    await ann.send("hello");
  }
  for (const wrong of [[], own(strangers)]) {
    const outcome = await runProgram("server", [...flags, ...wrong], { permissions: ["-N", "-R"] });
    // The client of NATS reports the alert, or only that nothing came after it.
    assertEquals(
      [[4, 6].includes(outcome.code), outcome.stderr.trimEnd().split("\n").length],
      [true, 1],
      outcome.stderr,
    );
    assertMatch(outcome.stderr, /certificate/i);
  }
  const alone = await runProgram("server", [...flags, "--cluster-key", files.path("key.pem")]);
  assertEquals(alone.code, 2);
  assertMatch(alone.stderr, /--cluster-cert or --cluster-key alone/);
});

toolTest(
  "nats-server",
  "--cluster tls:// rejects an impostor of NATS, and sends no password in clear text",
  async () => {
    await using files = await CertificateFiles.create();
    await using strangers = await CertificateFiles.create();
    await files.issue("other.pem", "other-key.pem", { name: "other", hosts: ["other.example"] });
    await files.issue("old.pem", "old-key.pem", { fromDays: -20, toDays: -10 });
    await using right = await startTls(files);
    await using other = await startTls(files, "other", "other-key");
    await using old = await startTls(files, "old", "old-key");
    await using plain = await NatsServer.start();
    const ca = ["--cluster-ca", files.path("ca.pem")];
    for (
      const [flags, code, text] of [
        [[urlOf(right)], 6, /--cluster-ca FILE/],
        [[right.url], 6, /--cluster-ca FILE/],
        [[urlOf(right), "--cluster-ca", strangers.path("ca.pem")], 6, /certificate/],
        [[urlOf(other), ...ca], 6, /name|altname/i],
        [[urlOf(old), ...ca], 6, /check whether it has expired/],
        [[urlOf(plain, "bob:s3cret@"), ...ca], 6, /it does not support TLS/],
        [[plain.url, ...ca], 2, /write --cluster tls:/],
      ] as const
    ) {
      const outcome = await runProgram("server", [...CHAT, ...flags], { permissions: ["-N", "-R"] });
      assertEquals(outcome.code, code, outcome.stderr);
      assertMatch(outcome.stderr, text);
      const [, ...more] = outcome.stderr.trimEnd().split("\n");
      // Wrong usage is told with where the help is.
      assertEquals([more.length, outcome.stderr.includes("s3cret")], [code === 2 ? 1 : 0, false], outcome.stderr);
    }
  },
);

toolTest(
  "nats-server",
  "a NATS that returns with another certificate is not used until the right one is back",
  async () => {
    await using files = await CertificateFiles.create();
    await using strangers = await CertificateFiles.create();
    await using nats = await startTls(files);
    const flags = [...CHAT, urlOf(nats), "--cluster-ca", files.path("ca.pem"), "--log-level", "error"];
    await using server = await startServer(flags, { permissions: ["-N", "-R"] });
    using ann = await enterChat(server.endpoint, "ann");
    const pair = ["cert.pem", "key.pem"] as const;
    const own = await Promise.all(pair.map((name) => Deno.readTextFile(files.path(name))));
    await nats.kill();
    for (const name of pair) await Deno.copyFile(strangers.path(name), files.path(name));
    await nats.restart();
    await ann.send("to nobody");
    await ann.until(/^! NATS (?:is|became) unreachable/);
    await nats.kill();
    for (const [index, name] of pair.entries()) await files.write(name, own[index] ?? "");
    await nats.restart();
    using bob = await enterChat(server.endpoint, "bob");
    await ann.send("to bob");
    await bob.until(/ann: to bob$/);
  },
);
