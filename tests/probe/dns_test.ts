import { assertEquals, assertRejects } from "@std/assert";
import { findFreePort } from "@parley/parley";
import { bigEndian, concat } from "../../src/base/bytes.ts";
import { RefusedError } from "../../src/base/errors.ts";
import { Deadline } from "../../src/net/deadline.ts";
import { writeAll } from "../support/peer.ts";
import { runProbe } from "../support/run_probe.ts";

const IS_TRUNCATED = 0x02;

/** The answer to a query: one address record, or none and the flag that the answer is truncated. */
function answerTo(query: Uint8Array, { isTruncated }: { isTruncated: boolean }): Uint8Array {
  const head = query.slice();
  head.set([0x81 | (isTruncated ? IS_TRUNCATED : 0), 0x80], 2);
  head.set([0, isTruncated ? 0 : 1], 6);
  const record = [bigEndian(0xc00c, 2), bigEndian(1, 2), bigEndian(1, 2), bigEndian(0, 4), bigEndian(4, 2)];
  return isTruncated ? head : concat([head, ...record, Uint8Array.of(192, 0, 2, 7)]);
}

Deno.test("the dns probe asks over TCP when the answer does not fit into a datagram", async () => {
  const port = findFreePort();
  const datagrams = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port });
  using listener = Deno.listen({ hostname: "127.0.0.1", port });
  const serving = (async () => {
    const [query, from] = await datagrams.receive();
    await datagrams.send(answerTo(query, { isTruncated: true }), from);
    using conn = await listener.accept();
    const received = new Uint8Array(2 + query.length);
    for (let at = 0; at < received.length;) at += await conn.read(received.subarray(at)) ?? received.length;
    const whole = answerTo(received.subarray(2), { isTruncated: false });
    await writeAll(conn, concat([bigEndian(whole.length, 2), whole]));
  })();
  assertEquals(await runProbe(`dns://127.0.0.1:${port}/example.test?value=192.0.2.7`), { records: ["192.0.2.7"] });
  await serving;
  datagrams.close();
});

Deno.test("the dns probe reports a closed port", async () => {
  const endpoint = `dns://127.0.0.1:${findFreePort({ transport: "udp" })}/example.test`;
  await assertRejects(() => runProbe(endpoint, { deadline: new Deadline(10_000) }), RefusedError, "is closed");
});
