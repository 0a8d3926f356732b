import { assertEquals, assertRejects } from "@std/assert";
import { bigEndian, concat, utf8 } from "../../src/base/bytes.ts";
import { RefusedError } from "../../src/base/errors.ts";
import { NotReadyError } from "../../src/probe/probe.ts";
import { Deadline } from "../../src/net/deadline.ts";
import { dnsAnswer, dnsRecord } from "../support/dns_answer.ts";
import { writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { runProbe } from "../support/run_probe.ts";

/** A message over TCP (RFC 1035, section 4.2.2). */
function withLength(message: Uint8Array): Uint8Array {
  return concat([bigEndian(message.length, 2), message]);
}

Deno.test("the dns probe asks over TCP when the answer does not fit into a datagram", async () => {
  const port = closedPort();
  const datagrams = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port });
  using listener = Deno.listen({ hostname: "127.0.0.1", port });
  const serving = (async () => {
    const [query, from] = await datagrams.receive();
    await datagrams.send(dnsAnswer(query), from);
    using conn = await listener.accept();
    const received = new Uint8Array(2 + query.length);
    for (let at = 0; at < received.length;) at += await conn.read(received.subarray(at)) ?? received.length;
    await writeAll(conn, withLength(dnsAnswer(received.subarray(2), dnsRecord(1, Uint8Array.of(192, 0, 2, 7)))));
  })();
  assertEquals(await runProbe(`dns://127.0.0.1:${port}/example.test?value=192.0.2.7`), { records: ["192.0.2.7"] });
  await serving;
  datagrams.close();
});

for (
  const [type, code, data, wanted, isSame] of [
    ["AAAA", 28, [0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 1], "2001:DB8:0::1", true],
    ["AAAA", 28, [0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 1], "2001:db8::2", false],
    ["CNAME", 5, [3, ...utf8("Web"), 4, ...utf8("test"), 0], "web.TEST.", true],
    ["CNAME", 5, [3, ...utf8("Web"), 4, ...utf8("test"), 0], "web.tes", false],
    ["TXT", 16, [3, ...utf8("Yes")], "Yes", true],
    ["TXT", 16, [3, ...utf8("Yes")], "yes", false],
  ] as const
) {
  Deno.test(`the dns probe takes ${wanted} for ${isSame ? "the" : "another"} ${type} record`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = (async () => {
      using conn = await listener.accept();
      const buffer = new Uint8Array(512);
      const query = buffer.slice(2, await conn.read(buffer) ?? 0);
      await writeAll(conn, withLength(dnsAnswer(query, dnsRecord(code, Uint8Array.from(data)))));
    })();
    const probed = runProbe(`dns+tcp://127.0.0.1:${listener.addr.port}/example.test?type=${type}&value=${wanted}`);
    if (isSame) await probed;
    else await assertRejects(() => probed, NotReadyError, `, not ${wanted}`);
    await serving;
  });
}

Deno.test("the dns probe reports a closed port", async () => {
  const endpoint = `dns://127.0.0.1:${closedPort()}/example.test`;
  await assertRejects(() => runProbe(endpoint, { deadline: new Deadline(10_000) }), RefusedError, "is closed");
});
