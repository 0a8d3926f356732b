import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/base/errors.ts";
import { parseFlags } from "../../../src/cli/parse_flags.ts";
import {
  bindOptionsOf,
  datagramGateOf,
  SENDER_FLAGS,
  senderDialerOf,
  SERVE_FLAGS,
} from "../../../src/commands/udp/shared_flags.ts";

type ServeFlags = Parameters<typeof datagramGateOf>[0];

function serveFlags(...words: string[]): ServeFlags {
  return parseFlags(words, SERVE_FLAGS).flags as unknown as ServeFlags;
}

Deno.test("datagramGateOf() joins the rules and rates, and is undefined without any", () => {
  const admitted = (address: string, ...words: string[]) => {
    const gate = datagramGateOf(serveFlags(...words));
    return gate &&
      Array.from({ length: 3 }, () => gate.refusalOf(address)).filter((refusal) => refusal === undefined).length;
  };
  assertEquals(admitted("10.0.0.1"), undefined);
  assertEquals(admitted("10.0.0.1", "--limit-loopback"), undefined);
  assertEquals(admitted("10.0.0.1", "--allow", "10.0.0.1"), 3);
  assertEquals(admitted("10.0.0.2", "--allow", "10.0.0.1"), 0);
  assertEquals(admitted("10.0.0.1", "--deny", "10.0.0.1"), 0);
  assertEquals(admitted("10.0.0.2", "--deny", "10.0.0.1"), 3);
  assertEquals(admitted("10.0.0.1", "--rate-per-ip", "2"), 2);
  assertEquals(admitted("127.0.0.1", "--rate-per-ip", "2"), 3);
  assertEquals(admitted("127.0.0.1", "--rate-per-ip", "2", "--limit-loopback"), 2);
});

Deno.test("bindOptionsOf() has the value of each flag", () => {
  const options = (endpoints: string[], ...words: string[]) => bindOptionsOf(serveFlags(...words), "test", endpoints);
  const defaults = { context: "test", maxBytes: 65_507, socketOptions: undefined };
  assertEquals(options(["udp://127.0.0.1:1"]), defaults);
  assertEquals(options(["udp://127.0.0.1:1"], "--max-bytes", "1"), { ...defaults, maxBytes: 1 });
  assertEquals(options([], "--receive-buffer", "4KiB").socketOptions?.receiveBuffer, 4_096);
  for (const group of ["239.0.0.7", "udp://239.0.0.7:5000", "udp://[ff02::1]:5000"]) {
    const endpoints = ["udp://127.0.0.1:1", group];
    assertEquals(options(endpoints, "--interface", "127.0.0.1"), { ...defaults, interface: "127.0.0.1" });
  }
});

Deno.test("bindOptionsOf() rejects a flag without effect", () => {
  const message = "--interface applies to multicast groups only, for example udp://239.0.0.7:5000";
  for (const endpoint of ["udp://127.0.0.1:1", "udp://localhost:1", "unixgram:/tmp/a"]) {
    const flags = serveFlags("--interface", "127.0.0.1");
    assertThrows(() => bindOptionsOf(flags, "test", [endpoint]), UsageError, message);
  }
  assertThrows(() => bindOptionsOf(serveFlags("--max-bytes", "0"), "test", []), UsageError, "--max-bytes: must be");
});

Deno.test("senderDialerOf() is undefined without --proxy, and rejects what does not go with it", async () => {
  const dialer = (...words: string[]) =>
    senderDialerOf(parseFlags(words, SENDER_FLAGS).flags as unknown as Parameters<typeof senderDialerOf>[0]);
  assertEquals(await dialer(), undefined);
  assertEquals(await dialer("--bind", "udp://127.0.0.1:0"), undefined);
  assertEquals(typeof (await dialer("--proxy", "socks5://127.0.0.1:1"))?.dial, "function");
  const both = ["--proxy", "socks5://127.0.0.1:1", "--bind", "udp://127.0.0.1:0"];
  await assertRejects(() => dialer(...both), UsageError, "--bind and --proxy cannot be combined");
  await assertRejects(() => dialer("--proxy", "env"), UsageError, "--proxy env is for connections");
  await assertRejects(() => dialer("--proxy-resolve", "local"), UsageError, "--proxy-resolve needs --proxy");
});
