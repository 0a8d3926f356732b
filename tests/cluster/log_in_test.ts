import { enterChat } from "../support/chat_peer.ts";
import { NatsServer } from "../support/nats_server.ts";
import { startServer } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";

toolTest(
  "nats-server",
  "a NATS that rejects the login for a while disconnects nobody, and is used once it accepts",
  async () => {
    const config = (password: string) => `authorization { user: bob, password: ${password} }`;
    await using nats = await NatsServer.startWith(config("right"));
    const url = nats.url.replace("nats://", "nats://bob:right@");
    await using server = await startServer(["chat", "tcp://127.0.0.1:0", "--cluster", url, "--log-level", "error"]);
    using ann = await enterChat(server.endpoint, "ann");
    await nats.kill();
    await nats.configure(config("wrong"));
    await nats.restart();
    await ann.send("to nobody");
    await ann.until(/^! NATS (?:is|became) unreachable/);
    await nats.kill();
    await nats.configure(config("right"));
    await nats.restart();
    for (let answer = ""; !answer.startsWith("* ann set the topic");) {
      await ann.send("/topic here again");
      answer = await ann.until(/^[*!]/);
    }
  },
);
