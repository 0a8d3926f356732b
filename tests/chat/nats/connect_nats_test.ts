import { assertEquals, assertRejects } from "@std/assert";
import { RefusedError } from "@parley/parley";
import { parseClusterAddress } from "../../../src/chat/nats/cluster_address.ts";
import { connectNats } from "../../../src/chat/nats/connect_nats.ts";
import { closedPort } from "../../support/ports.ts";

/** Whether an uncaught error would end the program. */
function isFatal(message: string, stack: string): boolean {
  const error = Object.assign(new Error(message), { stack });
  return dispatchEvent(new ErrorEvent("error", { error, cancelable: true }));
}

Deno.test("connectNats() keeps a reset of a socket that the NATS client has left from ending the program", async () => {
  const address = parseClusterAddress(`nats://127.0.0.1:${closedPort()}`);
  await assertRejects(() => connectNats(address), RefusedError);
  const socket = "at TCP.onStreamRead (node:net:1:1)";
  for (const message of ["read ECONNRESET", "write EPIPE", "received fatal alert: CertificateRequired"]) {
    assertEquals([isFatal(message, socket), isFatal(message, "at main.ts:1:1")], [false, true], message);
  }
  assertEquals(isFatal("x is not a function", socket), true);
});
