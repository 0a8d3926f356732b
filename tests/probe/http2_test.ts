import { assertEquals } from "@std/assert";
import { bigEndian, concat, latin1, parseHex, utf8 } from "../../src/base/bytes.ts";
import { connect } from "../../src/factory.ts";
import { callOverHttp2 } from "../../src/probe/http2.ts";
import { parseTarget } from "../../src/probe/target.ts";
import { Wire } from "../../src/probe/wire.ts";
import { Deadline } from "../../src/net/deadline.ts";
import { BLOCK, END, frame, OPEN, SETTINGS, WHOLE } from "../support/http2_frames.ts";
import { replyingServer } from "../support/run_probe.ts";

const OK = { ":status": "200" };
/** What is sent before any answer: preface, settings, window, request. */
const REQUEST = concat([
  utf8("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(4, 0, 0, parseHex("000200000000 000400020000")),
  frame(8, 0, 0, parseHex("00020000")),
  frame(1, BLOCK, 1, { ":path": "/" }),
  frame(0, END, 1, utf8("question")),
]);

/** The response to a call, or its error, and what the client sent after the request. */
async function called(...frames: readonly Uint8Array[]): Promise<{ outcome: unknown; answers: Uint8Array }> {
  const isCutOff = frames.at(-1) === CUT_OFF;
  const server = replyingServer([{ after: REQUEST.length, send: concat(frames) }], { closes: isCutOff });
  const text = `grpc://127.0.0.1:${server.port}`;
  const target = parseTarget(text, "grpc", { schemes: ["grpc"], load: () => Promise.reject() });
  let outcome: unknown;
  {
    await using served = server;
    await using wire = new Wire(await connect(`tcp://127.0.0.1:${served.port}`), new Deadline(5_000), target);
    const isExpected = (fields: ReadonlyMap<string, string>) => fields.get(":status") === "200";
    const request = { fields: [[":path", "/"]] as const, body: utf8("question"), isExpected };
    outcome = await callOverHttp2(wire, target, request).then(
      ({ fields, body }) => ({ ...Object.fromEntries(fields), body: latin1(body) }),
      (error: Error) => `${error.name} ${error.message.slice(text.length + 1)}`,
    );
  }
  const sent = server.received();
  assertEquals(sent.subarray(0, REQUEST.length), REQUEST);
  return { outcome, answers: sent.slice(REQUEST.length) };
}

/** The last frame of a server that closes the connection. */
const CUT_OFF = new Uint8Array(0);
const outcomeOf = async (...frames: readonly Uint8Array[]) => (await called(SETTINGS, ...frames)).outcome;

Deno.test("callOverHttp2() grants a window of 128 KiB (WINDOW_BYTES), and receives fields, body and trailers", async () => {
  const { outcome, answers } = await called(
    SETTINGS,
    frame(1, BLOCK, 1, { ...OK, a: "first" }),
    frame(0, 0, 1, utf8("ans")),
    frame(0, 0, 1, utf8("wer")),
    frame(1, WHOLE, 1, { a: "last", b: "c" }),
  );
  assertEquals(outcome, { ...OK, a: "last", b: "c", body: "answer" });
  assertEquals(answers, frame(4, 1));
});

Deno.test("callOverHttp2() reads padding, priorities, continued blocks and informational responses", async () => {
  const block = frame(1, 0, 0, OK).subarray(9);
  assertEquals(
    await outcomeOf(
      frame(1, BLOCK, 1, { ":status": "103", link: "x" }),
      frame(1, 0x28, 1, concat([parseHex("02 00000000 10"), block.subarray(0, 2), parseHex("0000")])),
      frame(9, OPEN, 1, block.subarray(2, 3)),
      frame(9, BLOCK, 1, block.subarray(3)),
      frame(0, 9, 1, concat([parseHex("03"), utf8("answer"), parseHex("000000")])),
    ),
    { ...OK, body: "answer" },
  );
});

Deno.test("callOverHttp2() answers pings and settings, and ignores what does not concern it", async () => {
  const { outcome, answers } = await called(
    frame(4, 0, 0, parseHex("000300000001")),
    frame(4, 1),
    frame(6, 0, 0, utf8("12345678")),
    frame(6, 1, 0, utf8("87654321")),
    frame(2, 0, 3, parseHex("0000000010")),
    frame(8, 0, 0, bigEndian(1, 4)),
    frame(0xfa, 0xff, 7, utf8("unknown")),
    // A server that ends once it has answered us.
    frame(7, 0, 0, parseHex("7fffffff 00000000")),
    frame(1, WHOLE, 1, OK),
  );
  assertEquals(outcome, { ...OK, body: "" });
  assertEquals(answers, concat([frame(4, 1), frame(6, 1, 0, utf8("12345678"))]));
});

for (
  const [what, frames, words] of [
    [
      "a GOAWAY that leaves our call out",
      [frame(7, 0, 0, parseHex("00000000 00000000"))],
      "NotReadyError is not ready: it is shutting down",
    ],
    [
      "a GOAWAY with an error",
      [frame(7, 0, 0, concat([parseHex("00000001 0000000b"), utf8("too_many_pings")]))],
      "NotReadyError is not ready: it ended the connection with ENHANCE_YOUR_CALM: too_many_pings",
    ],
    [
      "a GOAWAY of a server that cancels its calls",
      [frame(7, 0, 0, concat([parseHex("00000000 00000002"), utf8("Cancelling all calls")]))],
      "NotReadyError is not ready: it ended the connection with INTERNAL_ERROR: Cancelling all calls",
    ],
    [
      "a GOAWAY with another error",
      [frame(7, 0, 0, parseHex("00000000 00000001"))],
      "ParleyError ended the connection with PROTOCOL_ERROR",
    ],
    ["a GOAWAY that is cut off", [frame(7)], "NotReadyError is not ready: it is shutting down"],
    [
      "RST_STREAM with REFUSED_STREAM",
      [frame(3, 0, 1, bigEndian(7, 4))],
      "NotReadyError is not ready: it ended the call with REFUSED_STREAM",
    ],
    [
      "RST_STREAM with INTERNAL_ERROR",
      [frame(3, 0, 1, bigEndian(2, 4))],
      "ParleyError ended the call with INTERNAL_ERROR",
    ],
    ["RST_STREAM with an unknown code", [frame(3, 0, 1, bigEndian(99, 4))], "ParleyError ended the call with error 99"],
    [
      "a push",
      [frame(5, BLOCK, 1, bigEndian(2, 4))],
      "ParleyError does not speak HTTP/2: it sent a frame of type 5 out of place",
    ],
    [
      "a continuation of nothing",
      [frame(9, BLOCK, 1, OK)],
      "ParleyError does not speak HTTP/2: it sent a frame of type 9 out of place",
    ],
    [
      "another frame in a header block",
      [frame(1, OPEN, 1, OK), frame(6)],
      "ParleyError does not speak HTTP/2: its header block has no end",
    ],
    [
      "the continuation of another stream",
      [frame(1, OPEN, 1, OK), frame(9, BLOCK, 3, OK)],
      "ParleyError does not speak HTTP/2: its header block has no end",
    ],
    ["data of another stream", [frame(0, END, 3)], "ParleyError does not speak HTTP/2: it sent a frame on stream 3"],
    [
      "fields of another stream",
      [frame(1, WHOLE, 3, OK)],
      "ParleyError does not speak HTTP/2: it sent a frame on stream 3",
    ],
    [
      "a reset of another stream",
      [frame(3, 0, 3, bigEndian(2, 4))],
      "ParleyError does not speak HTTP/2: it sent a frame on stream 3",
    ],
    [
      "a wrong header block",
      [frame(1, WHOLE, 1, parseHex("80"))],
      "ParleyError does not speak HTTP/2: there is no header field 0",
    ],
    [
      "more padding than payload",
      [frame(0, 8, 1, parseHex("02 61"))],
      "ParleyError does not speak HTTP/2: a frame consists of more than its padding",
    ],
    [
      "a response without a status",
      [frame(1, WHOLE, 1, { a: "b" })],
      "ParleyError does not speak HTTP/2: the response has no status",
    ],
    [
      "an end in the middle",
      [frame(1, BLOCK, 1, OK), CUT_OFF],
      "ClosedEarlyError closed the connection after 31 bytes",
    ],
  ] as const
) {
  Deno.test(`callOverHttp2() reports ${what}`, async () => {
    assertEquals(await outcomeOf(...frames), words);
  });
}

Deno.test("callOverHttp2() reports a server that does not begin with its settings", async () => {
  for (
    const [sent, shown] of [[frame(6), "\\0\\0\\0\\x06\\0\\0\\0\\0\\0"], [
      utf8("HTTP/1.1 400\r\n"),
      "HTTP/1.1 ",
    ]] as const
  ) {
    assertEquals((await called(sent)).outcome, `ParleyError does not speak HTTP/2: it began with "${shown}"`);
  }
});

Deno.test("callOverHttp2() reads frames of 16,384 bytes (MAX_FRAME_BYTES)", async () => {
  const rest = [frame(1, BLOCK, 1, OK), frame(0, END, 1)] as const;
  assertEquals(await outcomeOf(frame(0xfa, 0, 0, new Uint8Array(16_384)), ...rest), { ...OK, body: "" });
  assertEquals(
    await outcomeOf(frame(0xfa, 0, 0, new Uint8Array(16_385)), ...rest),
    "ParleyError does not speak HTTP/2: it sent a frame of 16385 bytes",
  );
});

Deno.test("callOverHttp2() reads a response of 64 KiB (MAX_RESPONSE_BYTES)", async () => {
  const piece = frame(0, 0, 1, new Uint8Array(16_384));
  const start = [frame(1, BLOCK, 1, OK), piece, piece, piece, piece];
  assertEquals(await outcomeOf(...start, frame(0, END, 1)), { ...OK, body: "\0".repeat(64 * 1024) });
  assertEquals(
    await outcomeOf(...start, frame(0, END, 1, utf8("x"))),
    "ParleyError answered with more than 64 KiB",
  );
});

Deno.test("callOverHttp2() reads a header block of 64 KiB (MAX_BLOCK_BYTES)", async () => {
  const size = frame(1, 0, 0, OK).length - 9;
  // Table sizes are no fields.
  const block = (length: number) => concat([new Uint8Array(length - size).fill(0x20), frame(1, 0, 0, OK).subarray(9)]);
  const frames = (bytes: Uint8Array) => [
    frame(1, OPEN | END, 1, bytes.subarray(0, 16_384)),
    ...[1, 2, 3].map((part) => frame(9, OPEN, 1, bytes.subarray(part * 16_384, (part + 1) * 16_384))),
    frame(9, BLOCK, 1, bytes.subarray(4 * 16_384)),
  ];
  assertEquals(await outcomeOf(...frames(block(64 * 1024))), { ...OK, body: "" });
  assertEquals(
    await outcomeOf(...frames(block(64 * 1024 + 1))),
    "ParleyError does not speak HTTP/2: its header block is too long",
  );
});

Deno.test("callOverHttp2() reads 1,000 frames (MAX_FRAMES), and no more", async () => {
  const rest = frame(1, WHOLE, 1, OK);
  for (
    const [first, each] of [[[], frame(6, 0, 0, utf8("12345678"))], [
      [frame(1, OPEN, 1, OK)],
      frame(9, OPEN, 1),
    ]] as const
  ) {
    const last = first.length === 0 ? [rest] : [frame(9, BLOCK, 1), frame(0, END, 1)];
    const frames = (count: number) => [...first, ...Array.from({ length: count - first.length }, () => each), ...last];
    // The settings are a frame, too.
    assertEquals(await outcomeOf(...frames(999 - last.length)), { ...OK, body: "" });
    assertEquals(await outcomeOf(...frames(1_000 - last.length)), "ParleyError sent more than 1,000 frames");
  }
});

Deno.test("callOverHttp2() reads no further than the header fields of an unexpected response", async () => {
  assertEquals(await outcomeOf(frame(1, BLOCK, 1, { ":status": "404" }), frame(0, 0, 3)), {
    ":status": "404",
    body: "",
  });
});
