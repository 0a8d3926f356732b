import { assertEquals } from "@std/assert";
import { defaultMaxConnections, parseOpenFileLimit } from "../../src/guard/open_file_limit.ts";

Deno.test("parseOpenFileLimit() finds the soft limit", () => {
  const limits = "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max processes             127235               127235               processes \n" +
    "Max open files            1024                 20000                files     \n";
  assertEquals(parseOpenFileLimit(limits), 1_024);
  assertEquals(
    parseOpenFileLimit("Max open files            unlimited            unlimited            files"),
    undefined,
  );
});

Deno.test("defaultMaxConnections() keeps 64 descriptors free and goes up to 10,000", () => {
  assertEquals(defaultMaxConnections(1_024), 960);
  assertEquals(defaultMaxConnections(20_000), 10_000);
  assertEquals(defaultMaxConnections(64), 32);
  assertEquals(defaultMaxConnections(1), 1);
});

Deno.test("defaultMaxConnections() counts every descriptor of a connection, as a relay has two", () => {
  assertEquals(defaultMaxConnections(1_024, 2), 480);
  assertEquals(defaultMaxConnections(20_000, 2), 9_968);
  assertEquals(defaultMaxConnections(100_000, 2), 10_000);
});

Deno.test({
  name: "defaultMaxConnections() reads this process's limit if it may",
  ignore: Deno.build.os !== "linux",
  fn() {
    const limit = parseOpenFileLimit(Deno.readTextFileSync("/proc/self/limits"));
    // With so many descriptors for each connection, no limit of a system allows as many as without one.
    assertEquals(defaultMaxConnections(undefined, 1_000), defaultMaxConnections(limit ?? Infinity, 1_000));
  },
});

Deno.test({
  name: "defaultMaxConnections() is 10,000 if it may not read the limit",
  permissions: { read: false },
  fn() {
    assertEquals(defaultMaxConnections(), 10_000);
  },
});
