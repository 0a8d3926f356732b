import { assertEquals, assertRejects } from "@std/assert";
import { createServer } from "node:http2";
import { ClosedEarlyError, ParleyError, ResetError } from "../../src/base/errors.ts";
import { NotReadyError } from "../../src/probe/probe.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { replyingServer, runProbe } from "../support/run_probe.ts";

/** What the health service answers: a serving status, or a gRPC status in a trailers-only response. */
interface Health {
  status?: number;
  grpcStatus?: number;
  message?: string;
  httpStatus?: number;
  /** Bytes behind the status. */
  padding?: number;
}

/** A server of HTTP/2 that answers as a health service does, by what `health` holds at the time. */
async function healthServer(health: Health): Promise<{ endpoint: string; paths: string[] } & AsyncDisposable> {
  const server = createServer();
  const paths: string[] = [];
  server.on("stream", (stream, headers) => {
    paths.push(String(headers[":path"]));
    stream.on("error", () => {});
    const head = { ":status": health.httpStatus ?? 200, "content-type": "application/grpc" };
    if (health.grpcStatus !== undefined) {
      stream.respond({ ...head, "grpc-status": health.grpcStatus, "grpc-message": health.message ?? "" }, {
        endStream: true,
      });
      return;
    }
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    const padding = new Uint8Array(health.padding ?? 0);
    stream.end(Uint8Array.of(0, 0, 0, 0, 2, 0x08, health.status ?? 0, ...padding));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    endpoint: `grpc://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    paths,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      await promise;
    },
  };
}

Deno.test("the grpc probe follows the health of the server from NOT_SERVING to SERVING", async () => {
  const health: Health = { status: 2 };
  await using server = await healthServer(health);
  await assertRejects(() => runProbe(server.endpoint), NotReadyError, "NOT_SERVING");
  health.status = 0;
  await assertRejects(() => runProbe(server.endpoint), NotReadyError, "UNKNOWN");
  health.status = 1;
  assertEquals(await runProbe(`${server.endpoint}/my.Service`), { status: "SERVING" });
  assertEquals(new Set(server.paths), new Set(["/grpc.health.v1.Health/Check"]));
});

for (
  const { health, error, words } of [
    { health: { grpcStatus: 14, message: "shutting down" }, error: NotReadyError, words: "shutting down" },
    { health: { grpcStatus: 5 }, error: NotReadyError, words: 'unknown service ""' },
    { health: { grpcStatus: 12 }, error: Error, words: "does not implement the gRPC health service" },
    { health: { grpcStatus: 13, message: "oops" }, error: Error, words: "gRPC status 13 oops" },
    { health: { httpStatus: 503, grpcStatus: 0 }, error: NotReadyError, words: "HTTP status 503" },
  ]
) {
  Deno.test(`the grpc probe reports "${words}"`, async () => {
    await using server = await healthServer(health);
    await assertRejects(() => runProbe(server.endpoint), error, words);
  });
}

Deno.test("the grpc probe reports a connection that the server resets or closes as such, not as another protocol", async () => {
  await using resetting = await resettingPeer();
  await using closing = replyingServer([{ after: 8, send: "" }], { closes: true });
  for (const endpoint of [resetting.endpoint.replace("tcp:", "grpc:"), `grpc://127.0.0.1:${closing.port}`]) {
    const error = await assertRejects(() => runProbe(endpoint));
    assertEquals(error instanceof ResetError || error instanceof ClosedEarlyError, true, String(error));
  }
});

Deno.test("the grpc probe reports a server of another protocol that closes the connection at once", async () => {
  await using server = replyingServer([{ send: "HTTP/1.1 400 Bad Request\r\n\r\n" }], { closes: true });
  await assertRejects(() => runProbe(`grpc://127.0.0.1:${server.port}`), ParleyError, "does not speak HTTP/2");
});

Deno.test("the grpc probe reads a response of 64 KiB (MAX_RESPONSE_BYTES)", async () => {
  const health: Health = { status: 1, padding: 64 * 1024 - 7 };
  await using server = await healthServer(health);
  assertEquals(await runProbe(server.endpoint), { status: "SERVING" });
  health.padding = 64 * 1024 - 6;
  await assertRejects(() => runProbe(server.endpoint), ParleyError, "the response is too long");
});
