import { assert, assertEquals } from "@std/assert";
import { startServer } from "./program.ts";
import { type Acknowledged, publishUntilGone, readRoom } from "./publisher.ts";

/** A history of its own, and exactly the permissions that it needs. */
export async function makeHistory() {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/chat.db`;
  const files = `${path},${path}-wal,${path}-shm`;
  return {
    path,
    args: ["chat", "tcp://127.0.0.1:0", "--history", path, "--log-level", "warning"],
    permissions: ["-N", `--allow-read=${files}`, `--allow-write=${files}`],
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Kills a server under load as many times; no acknowledged message is missing or doubled. */
export async function killUnderLoad(rounds: number): Promise<void> {
  await using history = await makeHistory();
  const publishers = ["a", "b"].map((name) => ({
    name,
    told: { seqOfId: new Map(), open: new Set() } as Acknowledged,
  }));
  for (let round = 0; round < rounds; round++) {
    await using started = await startServer(history.args, { permissions: history.permissions });
    let left = 40 + round * 13;
    const onAck = () => {
      if (--left === 0) started.server.kill("SIGKILL");
    };
    await Promise.all(
      publishers.map(({ name, told }) => publishUntilGone(started.endpoint, "#load", name, told, onAck)),
    );
    assert(left <= 0, `the server ended ${left} acknowledgements too early in round ${round}`);
  }
  await using started = await startServer(history.args, { permissions: history.permissions });
  const stored = await readRoom(started.endpoint, "#load");
  assertEquals(stored.map(({ seq }) => seq), stored.map((_, index) => index + 1));
  const ids = stored.map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length, "an id was stored twice");
  for (const { told } of publishers) {
    for (const [id, seq] of told.seqOfId) assertEquals(ids[seq - 1], id);
  }
}
