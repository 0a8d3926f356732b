import { assertEquals, assertStringIncludes } from "@std/assert";
import { DatagramCounts } from "../../src/datagram/counts.ts";
import { Impairment } from "../../src/datagram/impairment.ts";
import { Impairments } from "../../src/datagram/impairments.ts";
import { type DatagramMetricsSources, datagramRoutes } from "../../src/datagram/metrics.ts";
import type { RoutedRequest } from "../../src/http/router.ts";

/** What is scraped, by metric and labels. */
async function scraper(sources: DatagramMetricsSources): Promise<() => Promise<string[]>> {
  const routes = await datagramRoutes(sources);
  const route = routes["GET /metrics"];
  if (typeof route !== "function") throw new Error("no metrics");
  return async () => {
    const { body } = await route({} as RoutedRequest);
    return String(body).split("\n").filter((line) => line.startsWith("parley_") && !line.includes("memory"));
  };
}

Deno.test("datagramRoutes() shows the counts of a server as they are at each scrape", async () => {
  const counts = new DatagramCounts();
  const scrape = await scraper({ service: "echo", flows: [{ counts }] });
  Object.assign(counts, { received: 4, receivedBytes: 40, sent: 3, sentBytes: 30 });
  counts.drop("rate");
  const expected = [
    'parley_datagrams_received_total{service="echo"} 4',
    'parley_datagrams_sent_total{service="echo"} 3',
    'parley_datagram_bytes_received_total{service="echo"} 40',
    'parley_datagram_bytes_sent_total{service="echo"} 30',
    'parley_datagrams_dropped_total{reason="rate",service="echo"} 1',
  ];
  assertEquals(await scrape(), expected);
  assertEquals(await scrape(), expected);
});

Deno.test("datagramRoutes() shows a relay's clients, directions and impairments", async () => {
  const [forward, backward] = [new DatagramCounts(), new DatagramCounts()];
  forward.received = 2;
  backward.received = 1;
  using impairment = new Impairments([new Impairment({ seed: 1, drop: 1 })]);
  impairment.flow(1).pass(Uint8Array.of(1), () => {});
  const scrape = await scraper({
    service: "relay",
    flows: [{ counts: forward, direction: "to-target", impairment }, { counts: backward, direction: "to-client" }],
    clients: () => ({ now: 1, total: 5, evicted: 3, expired: 2 }),
  });
  await scrape();
  const text = (await scrape()).join("\n") + "\n";
  for (
    const line of [
      'datagrams_received_total{direction="to-target",service="relay"} 2',
      'datagrams_received_total{direction="to-client",service="relay"} 1',
      'datagrams_impaired_total{effect="dropped",direction="to-target",service="relay"} 1',
      'relay_clients{service="relay"} 1',
      'relay_clients_total{service="relay"} 5',
      'relay_clients_evicted_total{service="relay"} 3',
      'relay_clients_expired_total{service="relay"} 2',
    ]
  ) assertStringIncludes(text, `parley_${line}\n`);
});
