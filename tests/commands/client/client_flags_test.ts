import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/base/errors.ts";
import { rejectInapplicableFlags } from "../../../src/commands/client/client_flags.ts";
import { parseEndpoint } from "../../../src/net/endpoint.ts";

function refusal(flag: string, ...endpoints: string[]): string | undefined {
  const given = [{ name: "timeout", value: 1 }, { name: flag, value: "x" }];
  const check = () => rejectInapplicableFlags(given, endpoints.map((text) => parseEndpoint(text)));
  try {
    check();
    return undefined;
  } catch {
    return assertThrows(check, UsageError).message;
  }
}

Deno.test("rejectInapplicableFlags() wants TLS for flags about certificates, and WebSocket for those of its handshake", () => {
  assertEquals(refusal("minDays", ":1"), "--min-days needs an endpoint with tls:// or wss://, not tcp://127.0.0.1:1");
  assertEquals(
    refusal("status", ":1", "tls://a:1"),
    "--status needs an endpoint with ws:// or wss://, not tcp://127.0.0.1:1 tls://a:1",
  );
  for (const flag of ["tlsCa", "tlsInsecure", "alpn", "minTls"]) {
    assertEquals([refusal(flag, "tls://a:1"), refusal(flag, "wss://a:1")], [undefined, undefined]);
    assertEquals([refusal(flag, "ws://a:1"), refusal(flag, "unix:/a")].every((text) => text !== undefined), true, flag);
  }
});

Deno.test("rejectInapplicableFlags() is content with one endpoint of several that the flag is about", () => {
  assertEquals(refusal("minDays", ":1", "tls://a:1"), undefined);
  assertEquals(refusal("subprotocol", "ws://a:1", "unix:/a"), undefined);
  assertEquals(refusal("stableFor", ":1"), undefined);
});
