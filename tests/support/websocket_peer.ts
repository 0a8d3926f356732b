/**
 * A WebSocket peer for tests, on the runtime's own sockets and with frames put
 * together by hand, so that it can break every rule.
 *
 * @module
 */

import { upgradeFields } from "../../src/websocket/handshake.ts";
import { dial, writeAll } from "./peer.ts";
import { scriptedPeer } from "./scripted_peer.ts";

/** A frame as described by a test. */
interface FrameParts {
  opcode: number;
  payload?: Uint8Array | string;
  /** Last of its message; `true` by default. */
  fin?: boolean;
  /** The three reserved bits, 0 to 7. */
  rsv?: number;
  /** Masked like a client's frames by default. */
  isMasked?: boolean;
  /** A length that the head claims instead of the true one. */
  claimedLength?: bigint;
}

/** A frame as it came. */
interface ReceivedFrame {
  opcode: number;
  fin: boolean;
  payload: Uint8Array;
}

const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** The bytes of a frame (RFC 6455, section 5.2). */
export function frameOf(parts: FrameParts): Uint8Array {
  const payload = typeof parts.payload === "string"
    ? new TextEncoder().encode(parts.payload)
    : parts.payload ?? new Uint8Array();
  const isMasked = parts.isMasked ?? true;
  const length = parts.claimedLength ?? BigInt(payload.length);
  const extended = length > 0xffffn ? 8 : length > 125n ? 2 : 0;
  const head = new Uint8Array(2 + extended + (isMasked ? 4 : 0));
  head[0] = ((parts.fin ?? true) ? 0x80 : 0) | ((parts.rsv ?? 0) << 4) | parts.opcode;
  head[1] = (isMasked ? 0x80 : 0) | (extended === 8 ? 127 : extended === 2 ? 126 : Number(length));
  const view = new DataView(head.buffer);
  if (extended === 2) view.setUint16(2, Number(length));
  if (extended === 8) view.setBigUint64(2, length);
  if (isMasked) head.set(MASK, 2 + extended);
  const body = isMasked ? payload.map((byte, at) => byte ^ (MASK[at % 4] ?? 0)) : payload;
  return joined([head, body]);
}

/** The bytes of a Close frame with a code. */
export function closeFrameOf(code: number, text = ""): Uint8Array {
  const payload = joined([Uint8Array.of(code >> 8, code & 0xff), new TextEncoder().encode(text)]);
  return frameOf({ opcode: 8, payload });
}

/** The code of a Close frame's payload, 1005 where it is empty. */
export function codeOf({ payload }: ReceivedFrame): number {
  return payload.length < 2 ? 1005 : (payload[0] ?? 0) * 256 + (payload[1] ?? 0);
}

/** Several arrays as one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The lines of an upgrade request; `undefined` leaves one out. */
export function upgradeRequest(
  host: string,
  changes: { line?: string; fields?: Readonly<Record<string, string | undefined>> } = {},
): string {
  const fields: Record<string, string | undefined> = {
    Host: host,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    ...changes.fields,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) => value === undefined ? [] : [`${name}: ${value}`]);
  return [changes.line ?? "GET / HTTP/1.1", ...lines, "", ""].join("\r\n");
}

/** The head of an answer, and what follows it. */
export interface Answer {
  status: number;
  fields: Headers;
  body: string;
}

/** One connection: HTTP first, frames after the upgrade. */
export class WebSocketPeer implements Disposable {
  readonly conn: Deno.TcpConn;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #isServer: boolean;

  constructor(conn: Deno.TcpConn, isServer = false) {
    this.conn = conn;
    this.#isServer = isServer;
  }

  /** The server's side of an accepted connection, after the opening handshake. */
  static async accept(conn: Deno.TcpConn): Promise<WebSocketPeer> {
    const peer = new WebSocketPeer(conn, true);
    const key = /^Sec-WebSocket-Key: (.*)$/im.exec(await peer.#headText())?.[1] ?? "";
    const fields = Object.entries(await upgradeFields(key, {})).map(([name, value]) => `${name}: ${value}\r\n`);
    await peer.send(`HTTP/1.1 101 Switching Protocols\r\n${fields.join("")}\r\n`);
    return peer;
  }

  /** A connection that has not sent anything. */
  static async dial(endpoint: string): Promise<WebSocketPeer> {
    return new WebSocketPeer(await dial(endpoint));
  }

  /** A connection that is upgraded. */
  static async open(endpoint: string, fields: Record<string, string> = {}): Promise<WebSocketPeer> {
    const peer = await WebSocketPeer.dial(endpoint);
    await peer.send(upgradeRequest(new URL(endpoint).host, { fields }));
    const answer = await peer.answer();
    if (answer.status === 101) return peer;
    peer.conn.close();
    throw new Error(`the upgrade was answered with ${answer.status}: ${answer.body}`);
  }

  async send(bytes: Uint8Array | string): Promise<void> {
    await writeAll(this.conn, bytes);
  }

  async text(text: string): Promise<void> {
    await this.send(frameOf({ opcode: 1, payload: text }));
  }

  /** The next response, with as much body as its length field declares. */
  async answer(isHead = false): Promise<Answer> {
    const head = await this.#headText();
    const [line = "", ...lines] = head.split("\r\n");
    const fields = new Headers(lines.map((field) => field.split(/: ?(.*)/s).slice(0, 2) as [string, string]));
    const length = isHead ? 0 : Number(fields.get("content-length") ?? 0);
    const body = length === 0 ? new Uint8Array() : await this.#exactly(length);
    return { status: Number(line.split(" ")[1]), fields, body: new TextDecoder().decode(body) };
  }

  /** The next frame, or `undefined` at the peer's end. */
  async frame(): Promise<ReceivedFrame | undefined> {
    if (!await this.#has(2)) return undefined;
    const [first = 0, second = 0] = await this.#exactly(2);
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length = extended === 0 ? short : Number(
      (await this.#exactly(extended)).reduce((value, byte) => value * 256n + BigInt(byte), 0n),
    );
    const isMasked = (second & 0x80) !== 0;
    if (isMasked !== this.#isServer) throw new Error(isMasked ? "the server masked a frame" : "a frame is not masked");
    const key = isMasked ? await this.#exactly(4) : undefined;
    const payload = await this.#exactly(length);
    const plain = key === undefined ? payload : payload.map((byte, at) => byte ^ (key[at % 4] ?? 0));
    return { opcode: first & 0x0f, fin: (first & 0x80) !== 0, payload: plain };
  }

  /** The next message of text. */
  async textMessage(): Promise<string> {
    const frame = await this.frame();
    if (frame?.opcode !== 1) throw new Error(`expected text, got ${JSON.stringify(frame)}`);
    return new TextDecoder().decode(frame.payload);
  }

  /** Whether the peer has ended, with nothing further sent. */
  async ended(): Promise<boolean> {
    return !await this.#has(1);
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch {
      // The test has closed it.
    }
  }

  async #headText(): Promise<string> {
    for (let have = 4;; have++) {
      if (!await this.#has(have)) throw new Error("the peer ended before an answer");
      const text = new TextDecoder().decode(this.#bytes);
      const end = text.indexOf("\r\n\r\n");
      if (end === -1) continue;
      this.#bytes = this.#bytes.slice(end + 4);
      return text.slice(0, end);
    }
  }

  async #exactly(count: number): Promise<Uint8Array> {
    if (!await this.#has(count)) throw new Error(`the peer ended before ${count} bytes`);
    const taken = this.#bytes.slice(0, count);
    this.#bytes = this.#bytes.slice(count);
    return taken;
  }

  async #has(count: number): Promise<boolean> {
    while (this.#bytes.length < count) {
      const read = await this.conn.read(this.#buffer);
      if (read === null) return false;
      this.#bytes = joined([this.#bytes, this.#buffer.subarray(0, read)]);
    }
    return true;
  }
}

/** A server that upgrades each connection and then runs the test's function. */
export function scriptedWebSocket(
  serve: (peer: WebSocketPeer) => Promise<void>,
): { endpoint: string } & AsyncDisposable {
  const peer = scriptedPeer(async (conn) => {
    using websocket = await WebSocketPeer.accept(conn as Deno.TcpConn);
    await serve(websocket);
  });
  return { endpoint: peer.endpoint.replace("tcp:", "ws:"), [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() };
}
