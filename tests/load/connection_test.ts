import { assertEquals, assertRejects } from "@std/assert";
import { ClosedEarlyError } from "../../src/base/errors.ts";
import { buildPayload, ByteConnection, WholeMatch, WrongAnswerError } from "../../src/load/connection.ts";
import { Logger } from "../../src/log/logger.ts";
import { Connection } from "../../src/net/connection.ts";

const ENDPOINT = { scheme: "tcp", host: "127.0.0.1", port: 1, path: "/" } as const;

/** A connection whose server replies with these pieces, one or more reads each, and then ends. */
function laneWith(pieces: Uint8Array[], message: Uint8Array, depth = 4): ByteConnection {
  const transport = {
    read(bytes: Uint8Array) {
      const next = pieces.shift();
      const piece = next?.subarray(0, bytes.length);
      if (piece) bytes.set(piece);
      if (next && next.length > bytes.length) pieces.unshift(next.subarray(bytes.length));
      return Promise.resolve(piece ? piece.length : null);
    },
    write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
    closeWrite: () => Promise.resolve(),
    close: () => {},
  };
  const connection = new Connection(transport, { id: 1, local: ENDPOINT, remote: ENDPOINT, log: Logger.of("test") });
  return new ByteConnection(connection, message, depth);
}

/** Answers that the next read completes. */
async function answers(connection: ByteConnection): Promise<number> {
  return connection.answersIn(await connection.receive());
}

const MESSAGE = buildPayload(10, 0);

Deno.test("answersIn() counts whole answers, however they are cut", async () => {
  const stream = new Uint8Array([...MESSAGE, ...MESSAGE, ...MESSAGE]);
  const connection = laneWith([stream.slice(0, 4), stream.slice(4, 21), stream.slice(21)], MESSAGE);
  await connection.send(3);
  assertEquals([await answers(connection), await answers(connection), await answers(connection)], [0, 2, 1]);
});

Deno.test("answersIn() throws a WrongAnswerError when a byte differs, is missing or is too many", async () => {
  const differs = MESSAGE.slice();
  differs[7] = 0;
  const shifted = new Uint8Array([...MESSAGE.subarray(1), ...MESSAGE.subarray(0, 1)]);
  const tooMany = new Uint8Array([...MESSAGE, ...MESSAGE.subarray(0, 1)]);
  for (const answer of [differs, shifted, tooMany, buildPayload(10, 1)]) {
    const connection = laneWith([answer], MESSAGE);
    await connection.send(1);
    await assertRejects(() => answers(connection), WrongAnswerError, "did not echo");
  }
});

Deno.test("answersIn() throws a WrongAnswerError when a long answer differs at its beginning or end", async () => {
  const message = buildPayload(2_000, 0);
  const pieces = [message.slice(0, 1_024), message.slice(1_024)];
  for (const at of [0, 1_023, 1_024, 1_999]) {
    const broken = pieces.map((piece) => piece.slice());
    const piece = broken[at < 1_024 ? 0 : 1];
    if (piece) piece[at % 1_024] = 0;
    const connection = laneWith(broken, message, 1);
    await connection.send(1);
    await assertRejects(async () => {
      while (await answers(connection) === 0);
    }, WrongAnswerError);
  }
});

Deno.test("answersIn() throws a ClosedEarlyError when the server ends", async () => {
  const connection = laneWith([MESSAGE.slice(0, 3)], MESSAGE);
  await connection.send(1);
  assertEquals(await answers(connection), 0);
  await assertRejects(() => answers(connection), ClosedEarlyError, "with 7 bytes outstanding");
});

Deno.test("buildPayload() differs at each place from the next, and from another connection's", () => {
  for (const size of [1, 10, 62, 63, 1_000]) {
    const [one, other] = [buildPayload(size, 0), buildPayload(size, 1)];
    assertEquals(one.length, size);
    assertEquals(one.every((byte, index) => byte !== one[index + 1] && byte !== other[index]), true, `${size} bytes`);
    assertEquals(one.every((byte, index) => index < 62 || byte === one[index - 62]), true, `${size} bytes`);
  }
});

Deno.test("WholeMatch matches the message, and sees each byte that differs", () => {
  for (const size of [1, 3, 4, 10, 64]) {
    const message = buildPayload(size, 1);
    const whole = new WholeMatch(message);
    const space = new Uint8Array(128);
    space.set(message);
    const bytes = space.subarray(0, size);
    assertEquals(whole.matches(bytes), true, `${size} bytes`);
    for (let at = 0; at < size; at++) {
      bytes[at] = 0;
      assertEquals(whole.matches(bytes), false, `byte ${at} of ${size}`);
      bytes[at] = message[at] ?? 0;
    }
    // Another buffer, as after a change of its size.
    assertEquals(whole.matches(message.slice()), true);
  }
});

Deno.test("WholeMatch rejects pieces, several messages, and bytes inside a buffer", () => {
  const message = buildPayload(8, 0);
  const whole = new WholeMatch(message);
  const twice = new Uint8Array([...message, ...message]);
  for (const bytes of [message.slice(0, 7), twice, twice.subarray(8)]) assertEquals(whole.matches(bytes), false);
});
