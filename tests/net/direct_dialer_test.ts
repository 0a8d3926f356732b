import { assertEquals, assertRejects } from "@std/assert";
import { BindError, type HostEndpoint, listen, Logger, ResolveError, UsageError } from "@parley/parley";
import { createDirectDialer, directDialer, type DirectOptions } from "../../src/net/direct_dialer.ts";
import { formatEndpoint, parseEndpoint } from "../../src/net/endpoint.ts";
import { ipv6Test } from "../support/tools.ts";

const OPTIONS = { log: Logger.of("test"), signal: new AbortController().signal, resolveTimeoutMs: 10_000 };

/** Dials a listener on `host` by the name `to`; our end. */
async function dial(host: string, to: string, options: DirectOptions): Promise<string> {
  using listener = await listen(`tcp://${host}:0`);
  const { port } = listener.endpoint as HostEndpoint;
  const endpoint = parseEndpoint(`tcp://${to}:${port}`);
  const { transport, local, remote } = await createDirectDialer(options).dial(endpoint, OPTIONS);
  transport.close();
  await using served = await listener.accept();
  assertEquals(formatEndpoint(local), formatEndpoint(served?.remote ?? endpoint));
  assertEquals(formatEndpoint(remote), `tcp://${host}:${port}`);
  return formatEndpoint(local).replace(/:\d+$/, "");
}

Deno.test("createDirectDialer() connects from the address that is asked for, in its family", async () => {
  assertEquals(await dial("127.0.0.1", "localhost", { from: { host: "127.0.0.1", port: 0 } }), "tcp://127.0.0.1");
  assertEquals(await dial("127.0.0.1", "127.0.0.1", { from: { host: "127.0.0.2", port: 0 } }), "tcp://127.0.0.2");
  assertEquals(await dial("127.0.0.1", "localhost", { family: 4 }), "tcp://127.0.0.1");
});

ipv6Test("createDirectDialer() connects from an IPv6 address", async () => {
  assertEquals(await dial("[::1]", "[::1]", { from: { host: "::1", port: 0 } }), "tcp://[::1]");
});

Deno.test("createDirectDialer() reports that a name has no address of the family", async () => {
  const wrong: [DirectOptions, string, string][] = [
    [{ family: 6 }, "127.0.0.1", "IPv6"],
    [{ from: { host: "::1", port: 0 } }, "127.0.0.1", "IPv6"],
    [{ from: { host: "127.0.0.1", port: 0 } }, "[::1]", "IPv4"],
  ];
  for (const [options, to, family] of wrong) {
    const dialing = createDirectDialer(options).dial(parseEndpoint(`tcp://${to}:9`), OPTIONS);
    await assertRejects(() => dialing, ResolveError, `no ${family} address`);
  }
});

Deno.test("createDirectDialer() reports that the local address cannot be bound, and that port 0 is invalid", async () => {
  const from = { host: "192.0.2.1", port: 0 };
  using listener = await listen("tcp://127.0.0.1:0");
  const dialing = createDirectDialer({ from }).dial(listener.endpoint, OPTIONS);
  await assertRejects(() => dialing, BindError, "Cannot bind to 192.0.2.1");
  await assertRejects(() => directDialer.dial(parseEndpoint("tcp://127.0.0.1:0"), OPTIONS), UsageError, "port 0");
});
