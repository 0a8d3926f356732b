import { assertEquals, assertRejects } from "@std/assert";
import { ClosedError, type Connection, pipe, ResetError } from "@parley/parley";
import { pairOf } from "../support/connection_pair.ts";
import { fakeConnection } from "../support/fake_transport.ts";
import { withinTime } from "../support/give_back.ts";

Deno.test("pipe() copies everything and passes the end on", async () => {
  await using left = await pairOf();
  await using right = await pairOf();
  const piping = pipe(left.server, right.client);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const received = readAll(right.server);
  for (let round = 0; round < 20; round++) await left.client.write(bytes);
  await left.client.closeWrite();
  assertEquals([await piping, (await received).length], [20 * bytes.length, 20 * bytes.length]);
  // The other direction is another pipe's.
  await right.server.write("still open");
  assertEquals(new TextDecoder().decode(await right.client.read() ?? undefined), "still open");
});

Deno.test("pipe() passes a reset on as a reset, either way", async () => {
  for (const resets of ["source", "target"] as const) {
    await using left = await pairOf({ canReset: true });
    await using right = await pairOf({ canReset: true });
    const piping = pipe(left.server, right.client);
    const [peer, other] = resets === "source" ? [left.client, right.server] : [right.server, left.client];
    const seen = other.read();
    peer.reset();
    if (resets === "target") await left.client.write(new Uint8Array(100_000)).catch(() => {});
    await assertRejects(() => withinTime(piping, "the end of the pipe"), ResetError);
    await assertRejects(() => withinTime(seen, "the reset"), ResetError);
  }
});

Deno.test("pipe() counts its own bytes, and ends when this side closes", async () => {
  await using left = await pairOf();
  await using right = await pairOf();
  await left.client.write("before");
  assertEquals((await left.server.read())?.length, 6);
  const piping = pipe(left.server, right.client);
  await left.client.write("abc");
  await right.server.read();
  await left.client.closeWrite();
  assertEquals(await piping, 3);
  right.client.close();
  await assertRejects(() => pipe(right.client, left.server).then(() => left.server.write("x")), ClosedError);
});

Deno.test("pipe() closes both sides when either fails", async () => {
  for (const fails of ["reading", "writing"] as const) {
    const [from, to] = [fakeConnection(), fakeConnection()];
    if (fails === "writing") to.transport.holdWrites();
    const piping = pipe(from.connection, to.connection);
    from.transport.say(fails === "reading" ? new Error("a bad disk") : "x");
    if (fails === "writing") {
      while (to.connection.queuedBytes === 0) await Promise.resolve();
      to.transport.releaseWrites(new Error("a bad disk"));
    }
    await assertRejects(() => withinTime(piping, "the failure"), Error, "a bad disk");
    assertEquals([from.connection.closeReason, to.connection.closeReason], ["error", "error"]);
  }
});

async function readAll(connection: Connection): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let bytes = await connection.read(); bytes; bytes = await connection.read()) chunks.push(bytes.slice());
  return await new Blob(chunks).bytes();
}
