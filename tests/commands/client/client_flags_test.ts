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

Deno.test("rejectInapplicableFlags() requires TLS for flags about certificates, and WebSocket for those of its handshake", () => {
  assertEquals(refusal("tlsName", ":1"), "--tls-name needs an endpoint with tls:// or wss://, not tcp://127.0.0.1:1");
  assertEquals(
    refusal("ping", ":1", "tls://a:1"),
    "--ping needs an endpoint with ws:// or wss://, not tcp://127.0.0.1:1 tls://a:1",
  );
  for (const flag of ["tlsCa", "tlsInsecure", "alpn"]) {
    assertEquals([refusal(flag, "tls://a:1"), refusal(flag, "wss://a:1")], [undefined, undefined]);
    assertEquals([refusal(flag, "ws://a:1"), refusal(flag, "unix:/a")].every((text) => text !== undefined), true, flag);
  }
});

Deno.test("rejectInapplicableFlags() accepts a flag that applies to one of several endpoints", () => {
  assertEquals(refusal("tlsName", ":1", "tls://a:1"), undefined);
  assertEquals(refusal("subprotocol", "ws://a:1", "unix:/a"), undefined);
});
