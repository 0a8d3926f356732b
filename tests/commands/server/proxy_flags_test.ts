import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "@parley/parley";
import { proxiesOf } from "../../../src/commands/server/proxy_flags.ts";

type Flags = Parameters<typeof proxiesOf>[0];

const NONE = { proxyProtocol: undefined, proxyFrom: [], proxyInsideTls: false, trustedProxy: [] } as unknown as Flags;
const SENT = { ...NONE, proxyProtocol: "require", proxyFrom: ["10.0.0.0/8"] } as unknown as Flags;

Deno.test("proxiesOf() adds a layer where a PROXY header is expected, above TLS if it is inside", () => {
  const layersOf = (flags: Flags, endpoint: string) => {
    const { layers } = proxiesOf(flags, [endpoint]);
    return [layers.layers?.length, layers.layersAboveTls?.length];
  };
  assertEquals(layersOf(NONE, "tcp://:1"), [undefined, undefined]);
  assertEquals(layersOf(SENT, "tcp://:1"), [1, undefined]);
  for (const scheme of ["tls", "wss"]) {
    assertEquals(layersOf({ ...SENT, proxyInsideTls: true }, `${scheme}://:1`), [undefined, 1]);
  }
  assertEquals(layersOf({ ...SENT, proxyFrom: [] }, "unix:/run/a.sock"), [1, undefined]);
});

Deno.test("proxiesOf() trusts the proxies in the ranges, and no one without the flag", () => {
  assertEquals(proxiesOf(NONE, ["ws://:1"]).isTrustedProxy, undefined);
  const { isTrustedProxy } = proxiesOf({ ...NONE, trustedProxy: ["10.0.0.0/8", "::1"] }, ["tcp://:1", "ws://:2"]);
  assertEquals(["10.1.2.3", "::1", "11.0.0.1", "::2", "nonsense"].map((address) => isTrustedProxy?.(address)), [
    true,
    true,
    false,
    false,
    false,
  ]);
});

for (
  const [flags, endpoints, message] of [
    [{ ...NONE, trustedProxy: ["::1"] }, ["tcp://:1", "tls://:2"], "--trusted-proxy needs a ws or wss endpoint"],
    [{ ...NONE, proxyFrom: ["::1"] }, ["tcp://:1"], "--proxy-from needs --proxy-protocol"],
    [{ ...NONE, proxyInsideTls: true }, ["tls://:1"], "--proxy-inside-tls needs --proxy-protocol"],
    [{ ...SENT, proxyFrom: [] }, ["tcp://:1"], "--proxy-protocol needs --proxy-from"],
    [{ ...SENT, proxyFrom: [] }, ["unix:/run/a.sock", "tcp://:1"], "--proxy-protocol needs --proxy-from"],
    [{ ...SENT, proxyInsideTls: true }, ["tcp://:1", "ws://:1"], "--proxy-inside-tls needs a tls or wss endpoint"],
  ] as const
) {
  Deno.test(`proxiesOf() for ${endpoints.join(" and ")}: ${message}`, () => {
    assertThrows(() => proxiesOf(flags as Flags, endpoints), UsageError, message);
  });
}
