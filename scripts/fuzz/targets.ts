import { Logger } from "../../src/log/logger.ts";
import { ClosedEarlyError, FrameError, ParleyError, UsageError } from "../../src/base/errors.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { runChatSession } from "../../src/chat/chat_session.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { JSON_SUBPROTOCOL } from "../../src/chat/event_format.ts";
import { Hub } from "../../src/chat/hub.ts";
import { MessageRates } from "../../src/chat/message_rate.ts";
import { parseSmokeFile } from "../../src/commands/client/smoke/parse_file.ts";
import { parseProxyHeader } from "../../src/framing/proxy_header.ts";
import { serveRequests } from "../../src/http/request.ts";
import { loadWebSocketCodec } from "../../src/websocket/codec.ts";
import { WebSocketDecoder } from "../../src/websocket/decoder.ts";
import { FakeSession } from "../../tests/support/fake_session.ts";
import { replyingServer, runProbe } from "../../tests/support/run_probe.ts";
import { frameOf, joined } from "../../tests/support/websocket_peer.ts";

/** A parser of untrusted input. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid input to start from. */
  readonly seeds: readonly Uint8Array[];
  /** Parses the input; anything it throws is an internal error. */
  read(bytes: Uint8Array): Promise<void>;
}

/** Ignores the errors that report a mistake of the sender. */
async function tolerate(work: () => unknown, ...kinds: readonly (new (...args: never[]) => Error)[]): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!kinds.some((kind) => error instanceof kind)) throw error;
  }
}

/** A whole session with a new hub, line by line or message by message. */
async function converse(bytes: Uint8Array, options: { subprotocol?: string }): Promise<void> {
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  await using hub = new Hub({ log: Logger.of("fuzz"), history });
  const session = new FakeSession(options.subprotocol === undefined ? {} : { kind: "websocket", ...options });
  const rates = new MessageRates({ perSecond: undefined, burst: 5 });
  // Bytes that are not text end the session, which its server closes.
  const ended = tolerate(() => runChatSession(hub, session, { rates, logInTimeoutMs: 1_000 }), FrameError);
  // Handled below, after all input was sent.
  ended.catch(() => {});
  for (const line of new TextDecoder().decode(bytes).split("\n")) session.say(line);
  await new Promise((resolve) => setTimeout(resolve));
  session.close("done");
  await ended;
  if (hub.memberCount !== 0) throw new Error(`${hub.memberCount} members are left`);
}

const codec = await loadWebSocketCodec("server");
const GET = "GET /chat?a=b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: x\r\n\r\n";

/** The greeting or the first reply of each protocol. */
const REPLIES: Readonly<Record<string, string>> = {
  postgres: "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I",
  mysql: "\x4a\0\0\0\x0a8.0.30\0\x08\0\0\0abcdefgh\0\xff\xf7\x08\x02\0\xff\x8f\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0",
  redis: "+PONG\r\n",
  memcached: "VERSION 1.6.18\r\n",
  mongodb: "\x26\0\0\0\x01\0\0\0\x01\0\0\0\xdd\x07\0\0\0\0\0\0\0\x11\0\0\0\x01ok\0\0\0\0\0\0\0\xf0\x3f\0",
  amqp: "\x01\0\0\0\0\0\x10\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\xce",
  kafka: "\0\0\0\x0c\0\0\0\x01\0\0\0\0\0\0\0\0",
  mqtt: "\x20\x02\0\0",
  nats: 'INFO {"server_id":"a","version":"2.9"}\r\nPONG\r\n',
  smtp: "220 mail ESMTP\r\n250 ok\r\n",
  imap: "* OK ready\r\n",
  ssh: "SSH-2.0-OpenSSH_9.2\r\n",
  ldap: "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0",
  http: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  grpc: "\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x04\0\0\0\x01\x88\0\0\x07\0\0\0\0\0\x01\0\0\0\0\x02\x08\x01" +
    "\0\0\x0f\x01\x05\0\0\0\x01\x40\x0bgrpc-status\x010",
};

/** All parsers of untrusted input. */
export const TARGETS: readonly FuzzTarget[] = [
  {
    name: "text-wire",
    seeds: ["hello\n/nick ann\n/join #a\n/topic x y\n/who\n/msg ann hi\n", "/ban ann 10m spam\n/rooms\n/help\n/quit\n"]
      .map(
        utf8,
      ),
    read: (bytes) => converse(bytes, {}),
  },
  {
    name: "json-wire",
    seeds: [
      '{"type":"join","room":"#a","seq":1,"epoch":"x"}\n{"type":"message","room":"#a","text":"hi","id":"1"}\n',
      '{"type":"nick","nick":"ann"}\n{"type":"history","room":"#lobby","count":5,"before":3}\n{"type":"rooms"}\n',
      '{"type":"private","to":"ann","text":"x"}\n{"type":"ban","room":"#lobby","nick":"bob","duration":"10m"}\n',
    ].map(utf8),
    read: (bytes) => converse(bytes, { subprotocol: JSON_SUBPROTOCOL }),
  },
  {
    name: "http",
    seeds: [GET, CHUNKED, `${GET}${CHUNKED}${GET}`, "PUT /a HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"].map(utf8),
    read: (bytes) => {
      let at = 0;
      const stream = {
        // In pieces of eleven bytes, which split every part somewhere.
        read: () => Promise.resolve(at < bytes.length ? bytes.slice(at, at += 11) : null),
        write: () => Promise.resolve(),
      };
      const answer = async (request: { body(): Promise<Uint8Array> }) => ({ status: 200, body: await request.body() });
      return tolerate(() => serveRequests(stream, answer), FrameError, ClosedEarlyError);
    },
  },
  {
    name: "websocket",
    seeds: [
      joined([frameOf({ opcode: 1, payload: "hello" }), frameOf({ opcode: 9, payload: "p" })]),
      joined([frameOf({ opcode: 2, payload: new Uint8Array(300), fin: false }), frameOf({ opcode: 0, payload: "x" })]),
      frameOf({ opcode: 8, payload: Uint8Array.of(3, 232) }),
    ],
    read: (bytes) => {
      const events = { message: () => {}, ping: () => {}, pong: () => {}, close: () => {} };
      const decoder = new WebSocketDecoder(codec, 1_000, events);
      for (let at = 0; at < bytes.length && decoder.failure === undefined; at += 7) {
        decoder.push(bytes.slice(at, at + 7));
      }
      return Promise.resolve();
    },
  },
  {
    name: "proxy-header",
    seeds: [
      utf8("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello"),
      Uint8Array.fromHex("0d0a0d0a000d0a515549540a2111000cc0000201c000020200010002"),
    ],
    read: (bytes) => tolerate(() => parseProxyHeader(bytes), FrameError),
  },
  {
    name: "smoke-file",
    seeds: [
      'tests:\n  - { name: a, endpoint: "tcp://127.0.0.1:1", steps: [{ send: hi }, { expect: hi }] }\n',
      "defaults: { timeout: 2s, framing: line, reuse: true }\ntests:\n  - name: b\n    endpoint: ws://a/\n    check: {}\n",
    ].map(utf8),
    read: (bytes) => tolerate(() => parseSmokeFile(new TextDecoder().decode(bytes), "f", () => undefined), UsageError),
  },
  ...Object.entries(REPLIES).map(([scheme, reply]): FuzzTarget => ({
    name: `probe-${scheme}`,
    seeds: [Uint8Array.from(reply, (char) => char.charCodeAt(0))],
    async read(bytes) {
      await using server = replyingServer([{ send: bytes }], { closes: true });
      await tolerate(() => runProbe(`${scheme}://127.0.0.1:${server.port}`), ParleyError);
    },
  })),
];
