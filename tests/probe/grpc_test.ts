import { assertEquals, assertRejects } from "@std/assert";
import { concat, latin1 } from "../../src/base/bytes.ts";
import { ClosedEarlyError, ParleyError, ResetError } from "../../src/base/errors.ts";
import { BLOCK, frame, SETTINGS, WHOLE } from "../support/http2_frames.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { type Reply, replyingServer, runProbe } from "../support/run_probe.ts";

const HEAD = { ":status": "200", "content-type": "application/grpc" };

/** The frames of a response with a message: its header fields, the message, its trailer fields. */
function message(...bytes: number[]): Uint8Array[] {
  return [
    frame(1, BLOCK, 1, HEAD),
    frame(0, 0, 1, Uint8Array.of(0, 0, 0, 0, bytes.length, ...bytes)),
    frame(1, WHOLE, 1, { "grpc-status": "0" }),
  ];
}

/** The frames of a response without a message. */
const trailersOnly = (fields: Record<string, string>) => [frame(1, WHOLE, 1, { ...HEAD, ...fields })];

/** What the probe makes of a server that sends these frames after its settings, at once and byte by byte. */
async function probed(
  frames: readonly Uint8Array[],
  { path = "", options = {} }: { path?: string; options?: { closes?: boolean } } = {},
): Promise<unknown> {
  const replies: Reply[] = [{ after: 24, send: concat([SETTINGS, ...frames]) }];
  const outcomes: unknown[] = [];
  for (const chunk of [100_000, 1]) {
    await using server = replyingServer(replies, { ...options, chunk });
    outcomes.push(
      await runProbe(`grpc://127.0.0.1:${server.port}${path}`).catch((error: Error) =>
        `${error.name} ${error.message.replace(/^\S+ /, "")}`
      ),
    );
  }
  assertEquals(outcomes[1], outcomes[0], "byte by byte");
  return outcomes[0];
}

for (
  const [what, frames, outcome] of [
    ["SERVING", message(8, 1), { status: "SERVING" }],
    ["NOT_SERVING", message(8, 2), "NotReadyError is not ready: NOT_SERVING"],
    ["an empty message", message(), "NotReadyError is not ready: UNKNOWN"],
    ["an unknown status", message(8, 9), "NotReadyError is not ready: status 9"],
    [
      "UNAVAILABLE",
      trailersOnly({ "grpc-status": "14", "grpc-message": "shutting%20down" }),
      "NotReadyError is not ready: shutting down",
    ],
    [
      "NOT_FOUND",
      trailersOnly({ "grpc-status": "5" }),
      'NotReadyError is not ready: unknown service ""',
    ],
    [
      "UNIMPLEMENTED",
      trailersOnly({ "grpc-status": "12" }),
      "ParleyError does not implement the gRPC health service",
    ],
    [
      "INTERNAL",
      trailersOnly({ "grpc-status": "13", "grpc-message": "oops" }),
      "ParleyError answered with gRPC status 13 oops",
    ],
    ["no gRPC status", trailersOnly({}), "ParleyError answered with gRPC status missing"],
    [
      "another HTTP status",
      [frame(1, WHOLE, 1, { ":status": "503" })],
      "NotReadyError is not ready: HTTP status 503",
    ],
  ] as const
) {
  Deno.test(`the grpc probe reports ${what}`, async () => {
    assertEquals(await probed(frames), outcome);
  });
}

Deno.test("the grpc probe asks for the health of a service", async () => {
  await using server = replyingServer([{ after: 24, send: concat([SETTINGS, ...message(8, 1)]) }]);
  assertEquals(await runProbe(`grpc://127.0.0.1:${server.port}/my.Service`), { status: "SERVING" });
  const sent = latin1(server.received());
  for (
    const part of [
      "/grpc.health.v1.Health/Check",
      `127.0.0.1:${server.port}`,
      "application/grpc",
      "trailers",
      "\x0a\x0amy.Service",
    ]
  ) {
    assertEquals(sent.includes(part), true, part);
  }
});

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
