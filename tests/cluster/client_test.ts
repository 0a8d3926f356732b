import { assertEquals } from "@std/assert";
import { enterChat } from "../support/chat_peer.ts";
import { NatsServer } from "../support/nats_server.ts";
import { startProgram, startServer } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";

toolTest("nats-server", "parley-client chat resends what NATS could not store, and it is stored once", async () => {
  await using nats = await NatsServer.start();
  const flags = ["chat", "tcp://127.0.0.1:0", "--cluster", nats.url, "--log-level", "error"];
  await using first = await startServer(flags);
  await using second = await startServer(flags);
  using ann = await enterChat(second.endpoint, "ann");
  await using client = startProgram("client", ["chat", first.endpoint, "--nick", "bob"]);
  await ann.until(/is now bob$|bob joined/);
  await nats.kill();
  await client.type("are you there?\n");
  await client.errorLine(/^\* NATS (?:is|became) unreachable.*trying again for 5m$/);
  await nats.restart();
  assertEquals((await ann.until(/^\[#lobby\]/)).replace(/^\[[^\]]*\] /, ""), "bob: are you there?");
  await client.type("that was all\n");
  assertEquals((await ann.until(/^\[#lobby\]/)).replace(/^\[[^\]]*\] /, ""), "bob: that was all");
  assertEquals((await client.outcome()).code, 0);
});
