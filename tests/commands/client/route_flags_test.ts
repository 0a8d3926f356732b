import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "@parley/parley";
import { readsProxyVariables, ROUTE_FLAGS, routeOf } from "../../../src/commands/client/route_flags.ts";
import { parseFlags } from "../../../src/cli/parse_flags.ts";

/** The route of a command line, without what is not set. */
async function routeFor(...words: string[]) {
  const route = await routeOf(parseFlags(words, ROUTE_FLAGS).flags as Parameters<typeof routeOf>[0]);
  return route && JSON.parse(JSON.stringify(route));
}

const NONE = { proxies: [], resolvesLocally: false };

Deno.test("routeOf() is undefined without flags, and contains the value of each flag", async () => {
  assertEquals(await routeFor(), undefined);
  assertEquals(await routeFor("-4"), { ...NONE, family: 4 });
  assertEquals(await routeFor("-6"), { ...NONE, family: 6 });
  assertEquals(await routeFor("--bind", "192.0.2.1"), { ...NONE, from: { host: "192.0.2.1", port: 0 } });
  assertEquals(await routeFor("--bind", "[2001:db8::1]:65535"), {
    ...NONE,
    from: { host: "2001:db8::1", port: 65_535 },
  });
  assertEquals(await routeFor("--send-proxy", "v1"), { ...NONE, sendProxy: { version: 1 } });
  assertEquals(await routeFor("--send-proxy", "v2", "--send-proxy-source", "192.0.2.1:9"), {
    ...NONE,
    sendProxy: { version: 2, source: { host: "192.0.2.1", port: 9 } },
  });
  const proxied = await routeFor("--proxy", "socks5://a:1", "--proxy", "http://b:2", "--proxy-resolve", "local");
  assertEquals(proxied.proxies.map(({ scheme, host, port }: Record<string, unknown>) => [scheme, host, port]), [
    ["socks5", "a", 1],
    ["http", "b", 2],
  ]);
  assertEquals([proxied.resolvesLocally, proxied.environment], [true, undefined]);
});

Deno.test("routeOf() reads the variables of --proxy env, those in lower case first", async () => {
  const saved = ["no_proxy", "NO_PROXY"].map((name) => [name, Deno.env.get(name)] as const);
  try {
    Deno.env.set("NO_PROXY", "upper.invalid");
    Deno.env.delete("no_proxy");
    assertEquals((await routeFor("--proxy", "env")).environment.NO_PROXY, "upper.invalid");
    Deno.env.set("no_proxy", "lower.invalid");
    const route = await routeFor("--proxy", "env");
    assertEquals([route.environment.NO_PROXY, route.proxies], ["lower.invalid", []]);
  } finally {
    for (const [name, value] of saved) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  }
  assertEquals([{ proxy: ["env"] }, { proxy: ["http://a"] }, { proxy: [] }, {}].map(readsProxyVariables), [
    true,
    false,
    false,
    false,
  ]);
});

for (
  const [words, message] of [
    [["-4", "-6"], "-4 and -6 cannot be combined"],
    [["--send-proxy-source", "192.0.2.1:9"], "--send-proxy-source needs --send-proxy"],
    [["--proxy", "env", "--proxy", "http://a:1"], "--proxy env cannot be combined with another --proxy"],
    [["--proxy-resolve", "local"], "--proxy-resolve needs --proxy"],
    [["--proxy", "http://a:1", "--proxy-ca", "x"], "--proxy-ca needs an https proxy"],
    [["--proxy-ca", "x"], "--proxy-ca needs an https proxy"],
    [["--proxy", "https://a:1", "--proxy-ca", "/no/such/file"], "Cannot read the CA certificates of the proxy"],
    [["--bind", "localhost"], '--bind: Cannot use "localhost"'],
    [["--bind", "192.0.2.1:65536"], '--bind: Cannot use "192.0.2.1:65536"'],
    [["--bind", "2001:db8::1:9"], undefined],
    [["--send-proxy", "v1", "--send-proxy-source", "192.0.2.1"], '--send-proxy-source: Cannot use "192.0.2.1"'],
  ] as const
) {
  Deno.test(`routeOf() with ${words.join(" ")}: ${message ?? "is an address without a port"}`, async () => {
    if (message !== undefined) await assertRejects(() => routeFor(...words), UsageError, message);
    else assertEquals((await routeFor(...words)).from, { host: "2001:db8::1:9", port: 0 });
  });
}
