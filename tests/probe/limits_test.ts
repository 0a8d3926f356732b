/** Every limit of the probes at N, where it is kept, and at N + 1. */

import { assertEquals, assertRejects } from "@std/assert";
import { bigEndian, concat, littleEndian, utf8 } from "../../src/base/bytes.ts";
import { ParleyError, TimeoutError } from "../../src/base/errors.ts";
import { Deadline } from "../../src/net/deadline.ts";
import { BannerMatcher } from "../../src/probe/banner.ts";
import { check } from "../../src/probe/check.ts";
import { NotReadyError } from "../../src/probe/probe.ts";
import { ScramClient } from "../../src/probe/scram.ts";
import { stableForMs } from "../../src/probe/stable.ts";
import { parseTarget } from "../../src/probe/target.ts";
import { protocolOf } from "../../src/probe/registry.ts";
import { cString, Wire } from "../../src/probe/wire.ts";
import { dnsAnswer, dnsRecord } from "../support/dns_answer.ts";
import { FakeTime } from "../support/fake_time.ts";
import { fakeConnection } from "../support/fake_transport.ts";
import { replyingServer, runProbe } from "../support/run_probe.ts";

Deno.test("BannerMatcher reads 16 Ki characters (MAX_BANNER_CHARACTERS) before it gives up", async () => {
  for (const [length, hasMatched] of [[16 * 1024, true], [16 * 1024 + 1, false]] as const) {
    const pieces = ["x".repeat(length), "ready"];
    const reading = new BannerMatcher(/ready/, "tcp://db:1").read(() => Promise.resolve(utf8(pieces.shift() ?? "")));
    if (hasMatched) await reading;
    else await assertRejects(() => reading, ParleyError, "does not match /ready/");
    assertEquals(pieces.length, hasMatched ? 0 : 1);
  }
});

function fakeWire(deadline = new Deadline(60_000)) {
  const { transport, connection } = fakeConnection();
  const target = parseTarget(
    "redis://db:1",
    "redis",
    protocolOf("redis") ?? (() => {
      throw new TypeError("redis has no probe");
    })(),
  );
  return { transport, wire: new Wire(connection, deadline, target) };
}

Deno.test("a probe ends at its deadline, or when it is aborted, while the server keeps sending", async () => {
  const aborter = new AbortController();
  let nowMs = 0;
  const { transport, wire } = fakeWire(new Deadline(1_000, aborter.signal, () => nowMs));
  transport.say("0123456789\n");
  await wire.exactly(1);
  nowMs = 999;
  await wire.exactly(1);
  nowMs = 1_000;
  for (const read of [() => wire.exactly(1), () => wire.read(), () => wire.line()]) {
    await assertRejects(read, TimeoutError, "timed out");
  }
  aborter.abort(new Error("enough"));
  for (const read of [() => wire.exactly(1), () => wire.read(), () => wire.line()]) {
    await assertRejects(read, Error, "enough");
  }
});

Deno.test("Wire.exactly() takes a reply of 1 MiB (MAX_REPLY_BYTES)", async () => {
  const { transport, wire } = fakeWire();
  await using _wire = wire;
  transport.say(new Uint8Array(1024 * 1024), null);
  assertEquals((await wire.exactly(1024 * 1024)).length, 1024 * 1024);
  for (const count of [-1, 1024 * 1024 + 1]) {
    await assertRejects(() => wire.exactly(count), ParleyError, `it announced a reply of ${count} bytes`);
  }
});

Deno.test("Wire.line() takes a line of 16 KiB (MAX_LINE_BYTES), with its end or without", async () => {
  for (const end of ["\n", ""]) {
    const { transport, wire } = fakeWire();
    await using _wire = wire;
    transport.say("x".repeat(16 * 1024) + "\n", "y".repeat(16 * 1024 + 1) + end, null);
    assertEquals((await wire.line()).length, 16 * 1024);
    await assertRejects(() => wire.line(), ParleyError, "sent a line that is too long");
  }
});

Deno.test("check() gives an attempt 5 s by default (TIMEOUT_MS)", async () => {
  await using server = replyingServer([]);
  let isOver = false;
  using time = new FakeTime();
  const checking = check(`redis://127.0.0.1:${server.port}`).finally(() => isOver = true);
  // The connection is opened, and an answer is waited for.
  while (server.received().length === 0) await time.advance(0);
  await time.advance(4_990);
  assertEquals(isOver, false);
  await time.advance(20);
  const result = await checking;
  assertEquals([result.state, "error" in result && result.error instanceof TimeoutError], ["failed", true]);
});

Deno.test("the file probe searches 1 MiB (MAX_BYTES)", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const beyond of [0, 1]) {
      await Deno.writeTextFile(path, "x".repeat(1024 * 1024 - 5 + beyond) + "ready");
      const probing = runProbe(`file:${path}`, { expected: { body: "ready" } });
      if (beyond === 0) assertEquals(await probing, { bytes: 1024 * 1024 });
      else await assertRejects(() => probing, NotReadyError);
    }
  } finally {
    await Deno.remove(path);
  }
});

/** A BSON document with `depth` documents in one another. */
function nested(depth: number): Uint8Array {
  const one = new Uint8Array(new Float64Array([1]).buffer);
  const fields = [
    Uint8Array.of(1),
    cString("ok"),
    one,
    Uint8Array.of(8),
    cString("isWritablePrimary"),
    Uint8Array.of(1),
  ];
  const elements = concat(depth === 0 ? fields : [...fields, Uint8Array.of(3), cString("a"), nested(depth - 1)]);
  return concat([littleEndian(elements.length + 5, 4), elements, Uint8Array.of(0)]);
}

Deno.test("the mongodb probe follows 20 levels of a document (MAX_DEPTH)", async () => {
  const replyOf = (depth: number) => {
    const body = concat([littleEndian(0, 4), Uint8Array.of(0), nested(depth)]);
    return concat([...[body.length + 16, 9, 1, 2013].map((value) => littleEndian(value, 4)), body]);
  };
  const probe = async (depth: number) => {
    await using server = replyingServer([{ after: 16, send: replyOf(depth) }]);
    await runProbe(`mongodb://127.0.0.1:${server.port}`);
  };
  await probe(20);
  await assertRejects(() => probe(21), ParleyError, "sent invalid BSON");
});

Deno.test("the postgres probe reads 100 messages (MAX_MESSAGES)", async () => {
  const message = (type: string, body: Uint8Array) => concat([utf8(type), bigEndian(body.length + 4, 4), body]);
  const probe = async (before: number) => {
    const notices = Array.from({ length: before }, () => message("S", concat([cString("a"), cString("b")])));
    await using server = replyingServer([{ after: 8, send: concat([...notices, message("Z", utf8("I"))]) }]);
    await runProbe(`postgres://127.0.0.1:${server.port}`);
  };
  await probe(99);
  await assertRejects(() => probe(100), ParleyError, "did not send ReadyForQuery");
});

Deno.test("ScramClient computes a million rounds (MAX_ITERATIONS), and no more", async () => {
  const ask = (count: number) => new ScramClient("u", "p", "nonce").final(`r=nonceX,s=*,i=${count}`);
  // The salt is looked at after the count.
  await assertRejects(() => ask(1_000_000), ParleyError, "invalid Base64");
  for (const count of [0, 1.5, 1_000_001]) {
    await assertRejects(() => ask(count), ParleyError, "invalid iteration count");
  }
});

Deno.test("stableForMs() is 50 ms (STABLE_FOR_MS) unless a banner proves enough, or a time is given", () => {
  const times = [{}, { banner: /x/ }, { stableFor: "2s" }, { banner: /x/, stableFor: 3 }].map((options) =>
    stableForMs(options)
  );
  assertEquals(times, [50, 0, 2_000, 3]);
});

/** Probes a DNS server whose response has one record. */
async function probeDns(type: string, recordOf: (query: Uint8Array) => Uint8Array) {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  const serving = (async () => {
    const [query, from] = await socket.receive();
    await socket.send(dnsAnswer(query, recordOf(query)), from);
  })();
  try {
    return await runProbe(`dns://127.0.0.1:${port}/example.test?type=${type}`);
  } finally {
    await serving;
    socket.close();
  }
}

Deno.test("the dns probe follows 19 pointers of a name, not 20 (MAX_POINTERS)", async () => {
  const probe = (pointers: number) =>
    probeDns("NS", (query) => {
      // The name of the answer: pointers to pointers, in the data of the record, the last of which leads to the root.
      const start = query.length + 12;
      const chain = Array.from({ length: pointers - 1 }, (_, index) => 0xc000 | start + 2 * (index + 1));
      const data = concat([...chain.map((pointer) => bigEndian(pointer, 2)), Uint8Array.of(0)]);
      return dnsRecord(2, data, 0xc000 | start);
    });
  await probe(19);
  await assertRejects(() => probe(20), ParleyError);
});

Deno.test("the dns probe rejects an address of the wrong length", async () => {
  const probe = (type: "A" | "AAAA", bytes: number) =>
    probeDns(type, () => dnsRecord(type === "A" ? 1 : 28, new Uint8Array(bytes).fill(7)));
  assertEquals(await probe("A", 4), { records: ["7.7.7.7"] });
  assertEquals(await probe("AAAA", 16), { records: ["707:707:707:707:707:707:707:707"] });
  await assertRejects(() => probe("A", 16), ParleyError, "malformed DNS message");
  await assertRejects(() => probe("AAAA", 4), ParleyError, "malformed DNS message");
});
