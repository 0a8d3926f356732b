import { assert, assertEquals } from "@std/assert";
import { enterChat } from "../support/chat_peer.ts";
import { NatsServer } from "../support/nats_server.ts";
import { startServer } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";

function start(url: string, ...flags: string[]) {
  return startServer(["chat", "tcp://127.0.0.1:0", "--cluster", url, "--log-level", "error", ...flags]);
}

/** Names in the room, as `/who` gives them. */
async function who(peer: Awaited<ReturnType<typeof enterChat>>): Promise<string[]> {
  await peer.send("/who");
  return (await peer.until(/^\* In #lobby: /)).replace(/^\* In #lobby: /, "").split(", ").sort();
}

toolTest("nats-server", "kill -9 of one of three servers: its users leave within 15 s, reported once", async () => {
  await using nats = await NatsServer.start();
  await using victim = await start(nats.url);
  await using second = await start(nats.url);
  await using third = await start(nats.url);
  using _ann = await enterChat(victim.endpoint, "ann");
  using bob = await enterChat(second.endpoint, "bob");
  using cy = await enterChat(third.endpoint, "cy");
  await bob.until(/is now cy$/);
  assertEquals(await who(bob), ["@ann", "bob", "cy"]);
  victim.server.kill("SIGKILL");
  const killedMs = performance.now();
  for (const peer of [bob, cy]) {
    assertEquals(await peer.until(/left/), "* ann left #lobby (its server is lost)");
    const tookMs = performance.now() - killedMs;
    assert(tookMs < 15_000, `${tookMs} ms`);
    await peer.send("/msg ann hello");
    assertEquals(await peer.until(/^[!*[]/), "! No such user: ann");
  }
  await cy.send("/nick ANN");
  assertEquals(await bob.until(/ann|ANN/), "* cy is now ANN");
  assertEquals(await who(bob), ["ANN", "bob"]);
  // Who was the operator is gone: there is none, as on one server, until everyone has left.
  await bob.send("/kick ANN");
  await bob.until(/^! Only an operator of #lobby may do that$/);
});

toolTest("nats-server", "three servers: SIGTERM of one removes its users at once", async () => {
  await using nats = await NatsServer.start();
  // A lease that no test waits for: only the goodbye can tell it.
  await using ending = await start(nats.url, "--cluster-lease", "10m");
  await using second = await start(nats.url, "--cluster-lease", "10m");
  await using third = await start(nats.url, "--cluster-lease", "10m");
  using ann = await enterChat(ending.endpoint, "ann");
  using bob = await enterChat(second.endpoint, "bob");
  using cy = await enterChat(third.endpoint, "cy");
  await bob.until(/is now cy$/);
  await ann.send("last words");
  // Her server has read them, and has yet to hear from NATS that they are stored.
  await who(ann);
  ending.server.kill("SIGTERM");
  for (const peer of [bob, cy]) {
    const seen: string[] = [];
    for (let line = ""; !line.includes("left"); seen.push(line)) line = await peer.line() ?? "left without a word";
    assertEquals(seen.slice(-2), ["[#lobby] ann: last words", "* ann left #lobby (the server is ending)"]);
  }
  assertEquals(await ending.server.exitCode(), 0);
  await cy.send("/nick ann");
  await bob.until(/cy is now ann$/);
});

toolTest("nats-server", "three servers: /kick, /ban, /topic and /msg reach people on the others", async () => {
  await using nats = await NatsServer.start();
  await using first = await start(nats.url);
  await using second = await start(nats.url);
  await using third = await start(nats.url);
  using ann = await enterChat(first.endpoint, "ann");
  using bob = await enterChat(second.endpoint, "bob");
  using cy = await enterChat(third.endpoint, "cy");
  await ann.send("/topic tea");
  for (const peer of [bob, cy]) await peer.until(/^\* ann set the topic of #lobby: tea$/);
  await bob.send("/msg CY psst");
  await cy.until(/^\[private\] bob to cy: psst$/);
  await bob.send("/kick cy");
  await bob.until(/^! Only an operator of #lobby may do that$/);
  await ann.send("/kick bob too loud");
  await bob.until(/^\* You left #lobby \(kicked by ann\)$/);
  await cy.until(/^\* bob left #lobby \(kicked by ann\)$/);
  await ann.send("/ban cy");
  await cy.until(/^\* You left #lobby \(banned by ann\)$/);
  await cy.send("/join #lobby");
  await cy.until(/^! You are banned from #lobby$/);
  await bob.send("/join #lobby");
  await bob.until(/^\* You are in #lobby with /);
  assertEquals(await who(ann), ["@ann", "bob"]);
});
