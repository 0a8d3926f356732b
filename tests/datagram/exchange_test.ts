import { assertEquals, assertRejects } from "@std/assert";
import { RefusedError } from "@parley/parley";
import { DatagramExchange, type ExchangeOptions } from "../../src/datagram/exchange.ts";
import { type ExchangeOutcome, ExchangeSummary, formatRanges } from "../../src/datagram/exchange_summary.ts";
import { Logger } from "../../src/log/logger.ts";
import { DatagramSocket } from "../../src/net/datagram.ts";
import type { Endpoint } from "../../src/net/endpoint.ts";
import { FakeTime } from "../support/fake_time.ts";
import { FAKE_TARGET as TARGET, FakeDatagramTransport as FakeTransport } from "../support/fake_datagrams.ts";

async function exchange(
  onSend: (text: string, transport: FakeTransport) => void,
  options: Partial<ExchangeOptions> = {},
): Promise<{ outcomes: ExchangeOutcome[]; summary: DatagramExchange["summary"]; sockets: number }> {
  const outcomes: ExchangeOutcome[] = [];
  let sockets = 0;
  const running = new DatagramExchange({
    target: TARGET,
    open: () => {
      sockets++;
      return Promise.resolve(
        new DatagramSocket(new FakeTransport(onSend), { endpoint: TARGET, log: Logger.of("test"), maxBytes: 100 }),
      );
    },
    payload: (seq) => new TextEncoder().encode(`n ${seq}`),
    count: 3,
    intervalMs: 0,
    timeoutMs: 50,
    retries: 0,
    correlation: "port",
    hasManyReceivers: false,
    isOneWay: false,
    signal: new AbortController().signal,
    onOutcome: (outcome) => void outcomes.push(outcome),
    ...options,
  });
  await running.run();
  return { outcomes, summary: running.summary, sockets };
}

Deno.test("DatagramExchange names the datagrams that got no reply", async () => {
  const { summary } = await exchange((text, transport) => text !== "n 2" && transport.deliver(text), { count: 4 });
  assertEquals([summary.sent, summary.answered, formatRanges(summary.lost)], [4, 3, "2"]);
});

Deno.test("DatagramExchange tries again, and an answer to a later try counts", async () => {
  const seen: string[] = [];
  const { outcomes, summary } = await exchange((text, transport) => {
    if (seen.push(text) % 3 === 0) transport.deliver("ok");
  }, { count: 1, retries: 5 });
  assertEquals(outcomes.map(({ status, tries }) => [status, tries]), [["answered", 3]]);
  assertEquals([summary.retries, summary.lost.length], [2, 0]);
});

Deno.test("DatagramExchange matches replies out of order by their numbers, on one socket", async () => {
  const held: string[] = [];
  const { outcomes, sockets } = await exchange((text, transport) => {
    held.unshift(text.toUpperCase());
    if (held.length === 3) { for (const reply of held) transport.deliver(reply); }
  }, { correlation: "sequence", timeoutMs: 5_000 });
  assertEquals(outcomes.map(({ seq }) => seq), [3, 2, 1]);
  assertEquals(sockets, 1);
});

Deno.test("DatagramExchange accepts no reply from another address or port, and lists who sent it (fault 13)", async () => {
  const senders: Deno.NetAddr[] = [
    { transport: "udp", hostname: "192.0.2.8", port: 9 },
    { transport: "udp", hostname: "192.0.2.7", port: 10 },
  ];
  const { summary } = await exchange((text, transport) => {
    for (const sender of senders) transport.deliver(text, sender);
  }, { count: 1 });
  assertEquals([summary.answered, formatRanges(summary.lost)], [0, "1"]);
  assertEquals([...summary.unexpectedSenders], [["udp://192.0.2.8:9", 1], ["udp://192.0.2.7:10", 1]]);
});

Deno.test("DatagramExchange lists ten unexpected senders at most (MAX_SENDERS) (fault 13)", async () => {
  const { summary } = await exchange((text, transport) => {
    for (let port = 1; port <= 11; port++) {
      transport.deliver(text, { transport: "udp", hostname: "192.0.2.8", port });
    }
  }, { count: 1 });
  assertEquals(summary.unexpectedSenders.size, 10);
});

Deno.test("DatagramExchange compares addresses as bytes (fault 13)", async () => {
  const pairs = [["::1", "0:0::1"], ["127.0.0.1", "::ffff:127.0.0.1"], ["2001:DB8::0", "2001:db8::"]] as const;
  for (const [hostname, host] of pairs) {
    const from: Deno.NetAddr = { transport: "udp", hostname, port: 9 };
    const target: Endpoint = { scheme: "udp", host, port: 9, path: "/" };
    const { summary } = await exchange((text, transport) => transport.deliver(text, from), { count: 1, target });
    assertEquals(summary.answered, 1, host);
  }
});

Deno.test("DatagramExchange does not take a repeated reply for the reply to the next datagram", async () => {
  let first: FakeTransport | undefined;
  const { outcomes, summary } = await exchange((text, transport) => {
    if (text === "n 1") transport.deliver(text);
    else first?.deliver("n 1");
    first ??= transport;
  }, { count: 2 });
  assertEquals(outcomes.map(({ status }) => status), ["answered", "silent"]);
  assertEquals(summary.unmatched, 1);
});

Deno.test("DatagramExchange does not take a late reply for the reply to a later datagram, with a bounded number of sockets (MAX_LANES)", async () => {
  const transports: FakeTransport[] = [];
  let open = 0;
  let maxOpen = 0;
  const { summary } = await exchange(() => {}, {
    count: 300,
    timeoutMs: 5,
    open: () => {
      const transport = new FakeTransport((_, sender) => {
        // At most 256 wait, so the reply to this one is late.
        transports.push(sender);
        transports.at(-257)?.deliver("late");
      });
      const socket = new DatagramSocket(transport, { endpoint: TARGET, log: Logger.of("test"), maxBytes: 100 });
      const close = socket.close.bind(socket);
      socket.close = () => {
        open--;
        close();
      };
      maxOpen = Math.max(maxOpen, ++open);
      return Promise.resolve(socket);
    },
  });
  assertEquals([summary.answered, summary.lost.length], [0, 300]);
  assertEquals([maxOpen, open], [256, 0]);
});

Deno.test("DatagramExchange counts a second reply as one too many", async () => {
  const { summary } = await exchange((text, transport) => {
    transport.deliver(text);
    transport.deliver(text);
  }, { correlation: "content", count: 2, intervalMs: 5 });
  assertEquals([summary.answered, summary.unmatched], [2, 2]);
});

Deno.test("DatagramExchange reports a refused datagram if the system reports a closed port, as Windows does", async () => {
  const { outcomes, summary } = await exchange((_, transport) => {
    transport.deliver(new Deno.errors.ConnectionReset("port unreachable"));
  }, { count: 1, timeoutMs: 60_000 });
  assertEquals([outcomes[0]?.status, summary.refused], ["refused", 1]);
});

Deno.test("DatagramExchange does not take an unreachable network for a closed port (fault 65)", async () => {
  for (const [code, reason] of [["ENETUNREACH", "network is unreachable"], ["EHOSTUNREACH", "no route to host"]]) {
    const unreachable = Object.assign(new Error("the system's text"), { code });
    const send = () => {
      throw unreachable;
    };
    const error = await assertRejects(() => exchange(send, { count: 1, timeoutMs: 60_000 }), RefusedError);
    assertEquals(error.message, `Cannot send to udp://192.0.2.7:9: ${reason}`);
  }
});

Deno.test("DatagramExchange that is ended early counts what waits neither as answered nor as lost", async () => {
  const stop = new AbortController();
  const { summary } = await exchange(() => stop.abort(), { count: 5, timeoutMs: 60_000, signal: stop.signal });
  assertEquals([summary.sent, summary.answered, summary.lost.length], [1, 0, 0]);
});

Deno.test("DatagramExchange keeps the asked distance between datagrams", async () => {
  using time = new FakeTime();
  let sent = 0;
  const running = exchange((text, transport) => {
    sent++;
    transport.deliver(text);
  }, { intervalMs: 20 });
  for (const [afterMs, expected] of [[0, 1], [19, 1], [1, 2], [19, 2], [1, 3]] as const) {
    await time.advance(afterMs);
    assertEquals(sent, expected);
  }
  await running;
});

Deno.test("DatagramExchange waits for 1,024 replies at a time on a shared socket (MAX_WAITING)", async () => {
  using time = new FakeTime();
  let sent = 0;
  const running = exchange(() => sent++, { count: 1_025, correlation: "sequence", timeoutMs: 60_000 });
  await time.advance(1_000);
  assertEquals(sent, 1_024);
  await time.advance(60_000);
  assertEquals(sent, 1_025);
  await time.advance(60_000);
  assertEquals((await running).summary.lost.length, 1_025);
});

Deno.test("DatagramExchange sends no more while 1,024 results have not been taken (MAX_WAITING)", async () => {
  using time = new FakeTime();
  const taken = Promise.withResolvers<void>();
  let sent = 0;
  const running = exchange((text, transport) => {
    sent++;
    transport.deliver(text);
  }, { count: 1_026, correlation: "sequence", onOutcome: () => taken.promise });
  await time.advance(1_000);
  assertEquals(sent, 1_024);
  taken.resolve();
  await time.advance(1_000);
  assertEquals((await running).summary.answered, 1_026);
});

Deno.test("DatagramExchange fails with the error of a result that cannot be taken", async () => {
  const onOutcome = () => Promise.reject(new Deno.errors.BrokenPipe("closed"));
  const onSend = (text: string, transport: FakeTransport) => transport.deliver(text);
  await assertRejects(() => exchange(onSend, { onOutcome }), Deno.errors.BrokenPipe, "closed");
});

Deno.test("DatagramExchange waits for each try as long as it is asked to, and sends it again no more often", async () => {
  using time = new FakeTime();
  let sent = 0;
  const running = exchange(() => sent++, { count: 1, timeoutMs: 1_000, retries: 2 });
  for (const [atMs, expected] of [[999, 1], [1, 2], [999, 2], [1, 3], [999, 3]] as const) {
    await time.advance(atMs);
    assertEquals(sent, expected);
  }
  await time.advance(1);
  const { outcomes, summary } = await running;
  assertEquals(outcomes.map(({ status, tries, elapsedMs }) => [status, tries, elapsedMs]), [["silent", 3, undefined]]);
  assertEquals([summary.sent, summary.retries, summary.lossRatio, summary.times()], [1, 2, 1, undefined]);
});

Deno.test("DatagramExchange accepts every reply within the timeout if there are many receivers", async () => {
  using time = new FakeTime();
  const running = exchange((text, transport) => {
    for (const port of [1, 2]) transport.deliver(text, { transport: "udp", hostname: "192.0.2.8", port });
  }, { count: 1, timeoutMs: 500, hasManyReceivers: true });
  await time.advance(490);
  await time.advance(20);
  const { outcomes, summary } = await running;
  assertEquals([outcomes[0]?.replies.length, summary.answered, summary.unexpectedSenders.size], [2, 1, 0]);
});

Deno.test("DatagramExchange one way waits for nothing", async () => {
  const { outcomes, summary } = await exchange(() => {}, { isOneWay: true, timeoutMs: 600_000 });
  assertEquals(outcomes.map(({ status }) => status), ["one-way", "one-way", "one-way"]);
  assertEquals([summary.sent, summary.answered, summary.lost], [3, 0, []]);
});

Deno.test("ExchangeSummary has the minimum, mean, 99th percentile and maximum of the times", () => {
  const summary = new ExchangeSummary();
  for (let ms = 200; ms >= 1; ms--) {
    summary.add({ seq: ms, status: "answered", tries: 1, elapsedMs: ms, replies: [] });
  }
  assertEquals(summary.times(), { min: 1, avg: 100.5, p99: 198, max: 200 });
  summary.add({ seq: 201, status: "refused", tries: 3, elapsedMs: undefined, replies: [] });
  summary.abandon(0);
  summary.abandon(2);
  assertEquals([summary.sent, summary.answered, summary.refused, summary.lost, summary.retries], [
    202,
    200,
    1,
    [201],
    3,
  ]);
  assertEquals([new ExchangeSummary().lossRatio, summary.lossRatio], [0, 1 / 202]);
});
