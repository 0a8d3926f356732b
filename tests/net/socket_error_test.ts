import { assertEquals, assertInstanceOf } from "@std/assert";
import { BindError, RefusedError } from "@parley/parley";
import { toSocketError } from "../../src/net/socket_error.ts";

const NO_ADDRESS = new Deno.errors.AddrNotAvailable("Cannot assign requested address (os error 99)");
const NO_FAMILY = Object.assign(new Error("Address family not supported by protocol (os error 97)"), {
  code: "EAFNOSUPPORT",
});

Deno.test("toSocketError() takes an address family that the machine lacks for an unreachable peer (fault 65)", () => {
  for (const cause of [NO_ADDRESS, NO_FAMILY]) {
    const error = toSocketError(cause, "connect to", "tcp://[::1]:80");
    assertInstanceOf(error, RefusedError);
    assertEquals(error.cause, cause);
  }
});

Deno.test("toSocketError() takes an address that the machine lacks for one that cannot be listened on", () => {
  for (const cause of [NO_ADDRESS, NO_FAMILY]) {
    const error = toSocketError(cause, "listen on", "tcp://[::1]:80");
    assertInstanceOf(error, BindError);
    assertEquals(error.reason, "not available");
  }
});
