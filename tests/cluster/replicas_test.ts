import { assert, assertEquals } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { ChatError } from "../../src/chat/chat_error.ts";
import type { Receipt, RoomLog } from "../../src/chat/history.ts";
import { joinTestCluster } from "../support/nats_cluster.ts";
import { NatsServer } from "../support/nats_server.ts";
import { closedPort } from "../support/ports.ts";
import { toolTest } from "../support/tools.ts";

const READY_MS = 30_000;

/** Three servers of NATS that form one cluster, once JetStream answers. */
async function startNatsCluster(): Promise<NatsServer[] & AsyncDisposable> {
  const routes = [closedPort(), closedPort(), closedPort()];
  const names = routes.map((port) => `nats://127.0.0.1:${port}`).join(", ");
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all(routes.map(async (port, index) => {
    const cluster = `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${names}] }`;
    return stack.use(await NatsServer.startWith(`server_name: n${index}\n${cluster}`));
  }));
  await Promise.all(servers.map(untilJetStreamAnswers));
  const whole = stack.move();
  return Object.assign(servers, { [Symbol.asyncDispose]: () => whole[Symbol.asyncDispose]() });
}

async function untilJetStreamAnswers({ url }: NatsServer): Promise<void> {
  const connection = await connect({ servers: new URL(url).host });
  const endMs = performance.now() + READY_MS;
  try {
    for (;;) {
      try {
        return void await (await jetstreamManager(connection)).getAccountInfo();
      } catch (error) {
        if (performance.now() > endMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    await connection.close();
  }
}

function publish(log: RoomLog, text: string, id: string): Promise<Receipt | ChatError> {
  return new Promise((resolve) => log.publish({ from: "alice", text, id }, resolve));
}

/** Publishes as a client does: again, with the same id, until it is stored. */
async function publishUntilStored(log: RoomLog, text: string, id: string): Promise<Receipt> {
  const endMs = performance.now() + READY_MS;
  for (;;) {
    const outcome = await publish(log, text, id);
    if (!(outcome instanceof ChatError)) return outcome;
    assertEquals(outcome.code, "not-stored", outcome.message);
    assert(performance.now() < endMs, outcome.message);
  }
}

toolTest("nats-server", "a NATS cluster of three keeps three replicas by default (chat L7)", async () => {
  await using nats = await startNatsCluster();
  const [first] = nats;
  assert(first !== undefined);
  const { history, directory } = await joinTestCluster(first.url);
  await using _history = history;
  await using _directory = directory;
  const connection = await connect({ servers: new URL(first.url).host });
  try {
    const { streams } = await jetstreamManager(connection);
    for (const name of ["PARLEY", "KV_parley_rooms", "KV_parley_presence"]) {
      assertEquals((await streams.info(name)).config.num_replicas, 3, name);
    }
  } finally {
    await connection.close();
  }
});

toolTest(
  "nats-server",
  "after all servers of NATS were killed, a repeated message is a duplicate and no conflict (chat M5)",
  async () => {
    await using nats = await startNatsCluster();
    const { history, directory } = await joinTestCluster(nats.map(({ url }) => new URL(url).host).join(","));
    await using _history = history;
    await using _directory = directory;
    const log = await history.open("#a", () => {});
    const ids = Array.from({ length: 20 }, (_, index) => String(index));
    const stored = await Promise.all(ids.map((id) => publishUntilStored(log, `text ${id}`, id)));
    await Promise.all(nats.map((server) => server.kill()));
    await Promise.all(nats.map((server) => server.restart()));
    const repeated = await Promise.all(ids.map((id) => publishUntilStored(log, `text ${id}`, id)));
    assertEquals(repeated.map(({ seq }) => seq), stored.map(({ seq }) => seq));
    assertEquals((await log.after(0, 100))?.length, ids.length, "something is stored twice");
  },
);
