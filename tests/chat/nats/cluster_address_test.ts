import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "@parley/parley";
import { parseClusterAddress } from "../../../src/chat/nats/cluster_address.ts";
import { subjectOf } from "../../../src/chat/nats/subjects.ts";

Deno.test("parseClusterAddress() reads servers, ports and credentials", () => {
  assertEquals(parseClusterAddress("nats://a:4333,b,nats://[::1]:80"), {
    servers: ["a:4333", "b:4222", "[::1]:80"],
    isTls: false,
  });
  assertEquals(parseClusterAddress("tls://bob:p%40ss@nats.example"), {
    servers: ["nats.example:4222"],
    isTls: true,
    user: "bob",
    password: "p@ss",
  });
  assertEquals(parseClusterAddress("s3cret@127.0.0.1").token, "s3cret");
});

Deno.test("parseClusterAddress() rejects an invalid address without showing a password", () => {
  for (const text of ["", "http://a", "nats://", "nats://a/b", "nats://a:99999", "nats://a,tls://b"]) {
    assertThrows(() => parseClusterAddress(text), UsageError, "Cannot use");
  }
  assertThrows(() => parseClusterAddress("http://bob:s3cret@a"), UsageError, '"http://***@a"');
});

Deno.test("subjectOf() makes one token of any name, and different ones of different names", () => {
  assertEquals(subjectOf("#lobby"), "parley.room.lobby");
  assertEquals(subjectOf("#dev.io"), "parley.room.dev_2eio");
  assertEquals(subjectOf("#dev_2eio"), "parley.room.dev_5f2eio");
  assertEquals(subjectOf("#ä"), "parley.room._c3_a4");
});
