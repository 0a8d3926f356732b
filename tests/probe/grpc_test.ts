import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { bigEndian, concat, indexOfBytes, latin1, leb128, utf8 } from "../../src/base/bytes.ts";
import { ClosedEarlyError, ParleyError, ResetError, UsageError } from "../../src/base/errors.ts";
import { TestAuthority } from "../support/certificates.ts";
import { BLOCK, frame, SETTINGS, WHOLE } from "../support/http2_frames.ts";
import { closedPort } from "../support/ports.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { type Reply, replyingServer, runProbe } from "../support/run_probe.ts";
import { tlsPeer } from "../support/tls_peer.ts";

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
    [
      "a status after unknown fields",
      message(0x12, 1, 7, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x25, 0, 0, 0, 0, 0x28, 1, 8, 1),
      {
        status: "SERVING",
      },
    ],
    ["the last of two statuses", message(8, 2, 8, 1), { status: "SERVING" }],
    ["a status of two bytes", message(8, 0x81, 1), "NotReadyError is not ready: status 129"],
    ...[
      ["a status that is cut off", message(8, 0x81)],
      ["a field that is cut off", message(0x12, 9, 1)],
      ["a field of an unknown type", message(0x0b, 8, 1)],
      ["no message", trailersOnly({ "grpc-status": "0" })],
      ["a compressed message", [
        frame(1, BLOCK, 1, HEAD),
        frame(0, 0, 1, Uint8Array.of(1, 0, 0, 0, 2, 8, 1)),
        frame(1, WHOLE, 1, { "grpc-status": "0" }),
      ]],
      ["a message of another length", [
        frame(1, BLOCK, 1, HEAD),
        frame(0, 0, 1, Uint8Array.of(0, 0, 0, 0, 9, 8, 1)),
        frame(1, WHOLE, 1, { "grpc-status": "0" }),
      ]],
    ].map(([what, frames]) =>
      [what as string, frames as Uint8Array[], "ParleyError answered with an invalid message"] as const
    ),
    ...["", "0x0", "-0", "1000"].map((status) =>
      [
        `gRPC status "${status}"`,
        trailersOnly({ "grpc-status": status }),
        `ParleyError answered with gRPC status "${status}"`,
      ] as const
    ),
    [
      "a long message with control characters",
      trailersOnly({ "grpc-status": "14", "grpc-message": "%0D%0A" + "x".repeat(300) }),
      `NotReadyError is not ready: \\r\\n${"x".repeat(196)}...`,
    ],
    [
      "UNAVAILABLE of a server that answers with HTTP status 503",
      trailersOnly({ ":status": "503", "grpc-status": "14", "grpc-message": "overloaded" }),
      "NotReadyError is not ready: overloaded",
    ],
    ["HTTP status 404", [frame(1, BLOCK, 1, { ":status": "404" })], "ParleyError answered with HTTP status 404"],
    [
      "a web page",
      [frame(1, BLOCK, 1, { ":status": "200", "content-type": "text/html" })],
      "ParleyError answered without a gRPC status, but with text/html",
    ],
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
    ["no gRPC status", trailersOnly({}), "ParleyError answered without a gRPC status"],
    [
      "another HTTP status",
      [frame(1, BLOCK, 1, { ":status": "503" })],
      "NotReadyError is not ready: HTTP status 503",
    ],
  ] as const
) {
  Deno.test(`the grpc probe reports ${what}`, async () => {
    assertEquals(await probed(frames), outcome);
  });
}

for (const name of ["my.Service", "x".repeat(127), "x".repeat(128), "\u00fc".repeat(100), "x".repeat(16_000)]) {
  Deno.test(`the grpc probe asks for the health of a service of ${utf8(name).length} bytes (MAX_SERVICE_BYTES)`, async () => {
    const server = replyingServer([{ after: 24, send: concat([SETTINGS, ...message(8, 1)]) }]);
    {
      await using _server = server;
      assertEquals(await runProbe(`grpc://127.0.0.1:${server.port}/${name}`), { status: "SERVING" });
    }
    const service = concat([Uint8Array.of(0x0a, ...leb128(utf8(name).length)), utf8(name)]);
    const request = frame(0, 1, 1, concat([Uint8Array.of(0), bigEndian(service.length, 4), service]));
    assert(indexOfBytes(server.received(), request) > 0);
    const head = latin1(server.received());
    const authority = `127.0.0.1:${server.port}`;
    for (const part of ["/grpc.health.v1.Health/Check", authority, "application/grpc", "trailers"]) {
      assertEquals(head.includes(part), true, part);
    }
    assertMatch(head, /grpc-timeout.(?:4\d{3}|5000)m/);
  });
}

Deno.test("the grpc probe rejects a service of 16,001 bytes (MAX_SERVICE_BYTES)", async () => {
  const endpoint = `grpc://127.0.0.1:${closedPort()}/${"x".repeat(16_001)}`;
  await assertRejects(() => runProbe(endpoint), UsageError, "the service has more than 16,000 bytes");
});

Deno.test("the grpc probe rejects TLS without an agreement on HTTP/2 (RFC 9113, section 3.3)", async () => {
  const authority = await TestAuthority.create();
  await using server = tlsPeer(await authority.issue({ hosts: ["127.0.0.1"] }));
  const endpoint = server.endpoint.replace("tls:", "grpcs:");
  const probing = runProbe(endpoint, { connect: { tls: { ca: authority.cert } }, onTls: () => {} });
  await assertRejects(() => probing, ParleyError, "agreed on none of h2 (ALPN)");
});

Deno.test("a probe rejects TLS over a Unix socket", async () => {
  for (const scheme of ["grpcs", "rediss", "https"]) {
    await assertRejects(() => runProbe(`${scheme}://localhost/?socket=/tmp/x`), UsageError, "a Unix socket has no TLS");
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
