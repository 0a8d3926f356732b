import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ScramClient } from "../../src/probe/scram.ts";
import { bigEndian, concat, littleEndian, utf8 } from "../../src/base/bytes.ts";
import { ClosedEarlyError, ParleyError, TimeoutError } from "../../src/base/errors.ts";
import { Deadline } from "../../src/net/deadline.ts";
import { type Facts, NotReadyError, type ProbeContext } from "../../src/probe/probe.ts";
import { PROTOCOLS } from "../../src/probe/registry.ts";
import { cString, prefixed } from "../../src/probe/wire.ts";
import { type Reply, replyingServer, runProbe } from "../support/run_probe.ts";

/** What each protocol's server sends, and what the probe makes of it. */
interface Case {
  readonly scheme: string;
  readonly path?: string;
  readonly when: string;
  readonly replies: readonly Reply[];
  readonly options?: Partial<ProbeContext>;
  /** The facts, or the words of the reason. */
  readonly ready?: Facts;
  readonly notReady?: string;
  readonly failed?: string;
}

const LOGIN = { login: { user: "app", password: "secret" } };

const pgError = (code: string, message: string) => {
  const fields = concat([
    utf8("S"),
    cString("FATAL"),
    utf8("C"),
    cString(code),
    utf8("M"),
    cString(message),
    Uint8Array.of(0),
  ]);
  return concat([utf8("E"), bigEndian(fields.length + 4, 4), fields]);
};
const pgAuth = (kind: number, rest: Uint8Array = new Uint8Array(0)) =>
  concat([utf8("R"), bigEndian(8 + rest.length, 4), bigEndian(kind, 4), rest]);
const pgReady = concat([utf8("Z"), bigEndian(5, 4), utf8("I")]);

const mysqlPacket = (sequence: number, ...parts: Uint8Array[]) => {
  const body = concat(parts);
  return concat([littleEndian(body.length, 3), Uint8Array.of(sequence), body]);
};
const mysqlGreeting = (plugin = "mysql_native_password", version = "8.0.36") =>
  mysqlPacket(
    0,
    ...[Uint8Array.of(10), cString(version), littleEndian(7, 4), utf8("12345678"), Uint8Array.of(0)],
    ...[littleEndian(0xf7ff, 2), Uint8Array.of(45), littleEndian(2, 2), littleEndian(0xdfff, 2), Uint8Array.of(21)],
    ...[new Uint8Array(10), cString("abcdefghijkl"), cString(plugin)],
  );
const mysqlError = (sequence: number, code: number, text: string) =>
  mysqlPacket(sequence, Uint8Array.of(0xff), littleEndian(code, 2), utf8(text));

const amqpMethod = (method: number, ...args: Uint8Array[]) => {
  const payload = concat([bigEndian(10, 2), bigEndian(method, 2), ...args]);
  return concat([Uint8Array.of(1, 0, 0), bigEndian(payload.length, 4), payload, Uint8Array.of(0xce)]);
};
const amqpStart = amqpMethod(
  10,
  Uint8Array.of(0, 9),
  bigEndian(0, 4),
  prefixed("PLAIN AMQPLAIN", 4),
  prefixed("en_US", 4),
);
const amqpClose = (code: number, words: string) =>
  amqpMethod(50, bigEndian(code, 2), prefixed(words, 1), bigEndian(0, 4));

/** An OP_MSG reply to the request, with fields of type boolean, double or string. */
const mongoReply = (fields: Record<string, boolean | number | string>, responseTo = 1) => {
  const elements = Object.entries(fields).map(([name, value]) => {
    if (typeof value === "boolean") return concat([Uint8Array.of(8), cString(name), Uint8Array.of(value ? 1 : 0)]);
    if (typeof value === "string") {
      return concat([Uint8Array.of(2), cString(name), littleEndian(utf8(value).length + 1, 4), cString(value)]);
    }
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return concat([Uint8Array.of(1), cString(name), bytes]);
  });
  const inner = concat([...elements, Uint8Array.of(0)]);
  const body = concat([littleEndian(0, 4), Uint8Array.of(0), littleEndian(inner.length + 4, 4), inner]);
  return concat([...[body.length + 16, 9, responseTo, 2013].map((value) => littleEndian(value, 4)), body]);
};

const kafkaReply = (errorCode: number, correlation = 0x7061726c) => {
  const body = concat([bigEndian(correlation, 4), bigEndian(errorCode, 2), bigEndian(1, 4), new Uint8Array(6)]);
  return concat([bigEndian(body.length, 4), body]);
};

const ldapResult = (code: number, words = "") =>
  concat([
    Uint8Array.of(0x30, 12 + words.length, 2, 1, 1, 0x61, 7 + words.length, 0x0a, 1, code, 4, 0, 4, words.length),
    utf8(words),
  ]);

const CASES: readonly Case[] = [
  {
    scheme: "postgres",
    when: "it asks for a password",
    replies: [{ after: 8, send: pgAuth(10, cString("SCRAM-SHA-256")) }],
    ready: { auth: "sasl" },
  },
  {
    scheme: "postgres",
    when: "it is starting up",
    replies: [{ after: 8, send: pgError("57P03", "the database system is starting up") }],
    notReady: "the database system is starting up",
  },
  {
    scheme: "postgres",
    when: "it has too many clients",
    replies: [{ after: 8, send: pgError("53300", "sorry, too many clients already") }],
    notReady: "too many clients",
  },
  {
    scheme: "postgres",
    when: "it ends after a reply",
    options: LOGIN,
    replies: [{ after: 8, send: pgAuth(5, utf8("salt")) }],
    failed: "closed the connection after 13 bytes",
  },
  {
    scheme: "postgres",
    when: "it refuses the user",
    replies: [{ after: 8, send: pgError("28000", "no pg_hba.conf entry") }],
    ready: { refused: "no pg_hba.conf entry" },
  },
  {
    scheme: "postgres",
    when: "it refuses the user who logs in",
    options: LOGIN,
    replies: [{ after: 8, send: pgError("28P01", "password authentication failed") }],
    failed: "rejected the login",
  },
  {
    scheme: "postgres",
    when: "it trusts everyone",
    replies: [{ after: 8, send: concat([pgAuth(0), pgReady]) }],
    ready: { auth: "trust" },
  },
  {
    scheme: "postgres",
    when: "it takes the MD5 password",
    options: LOGIN,
    replies: [{ after: 8, send: pgAuth(5, utf8("salt")) }, { after: 41, send: concat([pgAuth(0), pgReady]) }],
    ready: { auth: "md5" },
  },
  {
    scheme: "postgres",
    when: "it speaks something else",
    replies: [{ send: "HTTP/1.1 400 Bad Request\r\n\r\n" }],
    failed: "does not speak",
  },
  {
    scheme: "mysql",
    when: "it greets, and denies access to a user without a password",
    replies: [{ send: mysqlGreeting() }, { after: 60, send: mysqlError(2, 1045, "#28000Access denied") }],
    ready: { version: "8.0.36", auth: "mysql_native_password" },
  },
  {
    scheme: "mysql",
    when: "it asks for the password of another plugin, then denies access",
    replies: [{ send: mysqlGreeting() }, {
      after: 60,
      send: mysqlPacket(2, Uint8Array.of(0xfe), cString("caching_sha2_password"), cString("abcdefghijklmnopqrst")),
    }, { after: 4, send: mysqlError(4, 1045, "#28000Access denied") }],
    ready: { version: "8.0.36", auth: "mysql_native_password" },
  },
  ...[{ code: 1040, text: "Too many connections" }, { code: 1053, text: "Server shutdown in progress" }].flatMap((
    { code, text },
  ) =>
    [{}, LOGIN].map((options) => ({
      scheme: "mysql",
      when: `it answers the login ${options === LOGIN ? "with" : "without"} credentials with error ${code}`,
      options,
      replies: [{ send: mysqlGreeting() }, { after: 60, send: mysqlError(2, code, text) }],
      notReady: `${text} (error ${code})`,
    }))
  ),
  {
    scheme: "mysql",
    when: "it is a MariaDB behind an old version",
    replies: [{ send: mysqlGreeting("x", "5.5.5-10.11.6-MariaDB") }, {
      after: 50,
      send: mysqlPacket(2, Uint8Array.of(0, 0, 0)),
    }],
    ready: { version: "10.11.6-MariaDB", auth: "x" },
  },
  {
    scheme: "mysql",
    when: "it has too many connections",
    replies: [{ send: mysqlError(0, 1040, "Too many connections") }],
    notReady: "Too many connections (error 1040)",
  },
  {
    scheme: "mysql",
    when: "it wants the password itself in the clear",
    options: LOGIN,
    replies: [{ send: mysqlGreeting("caching_sha2_password") }, {
      after: 60,
      send: mysqlPacket(2, Uint8Array.of(1, 4)),
    }],
    failed: "sent only over TLS",
  },
  {
    scheme: "mysql",
    when: "it switches the plugin, then accepts",
    options: LOGIN,
    replies: [{ send: mysqlGreeting("caching_sha2_password") }, {
      after: 60,
      send: mysqlPacket(2, Uint8Array.of(0xfe), cString("mysql_native_password"), cString("abcdefghijklmnopqrst")),
    }, { after: 24, send: mysqlPacket(4, Uint8Array.of(0, 0, 0)) }],
    ready: { version: "8.0.36", auth: "caching_sha2_password" },
  },
  {
    scheme: "mysql",
    when: "it rejects the login",
    options: LOGIN,
    replies: [{ send: mysqlGreeting() }, { after: 60, send: mysqlError(2, 1045, "#28000Access denied") }],
    failed: "rejected the login: Access denied (error 1045)",
  },
  {
    scheme: "mysql",
    when: "it speaks something else",
    replies: [{ send: "SSH-2.0-OpenSSH\r\n" }],
    failed: "does not speak",
  },
  { scheme: "redis", when: "it answers PONG", replies: [{ after: 14, send: "+PONG\r\n" }], ready: {} },
  {
    scheme: "redis",
    when: "it loads its data",
    replies: [{ after: 14, send: "-LOADING Redis is loading the dataset in memory\r\n" }],
    notReady: "LOADING Redis is loading",
  },
  {
    scheme: "redis",
    when: "its master is down",
    replies: [{ after: 14, send: "-MASTERDOWN Link with MASTER is down\r\n" }],
    notReady: "MASTERDOWN",
  },
  {
    scheme: "redis",
    when: "it wants a login",
    replies: [{ after: 14, send: "-NOAUTH Authentication required.\r\n" }],
    ready: { refused: "NOAUTH Authentication required." },
  },
  {
    scheme: "redis",
    when: "it rejects the login",
    options: LOGIN,
    replies: [{ after: 20, send: "-WRONGPASS invalid\r\n" }],
    failed: "rejected the login",
  },
  {
    scheme: "redis",
    when: "it loads while we log in",
    options: LOGIN,
    replies: [{ after: 20, send: "-LOADING x\r\n" }],
    notReady: "LOADING",
  },
  {
    scheme: "redis",
    when: "it speaks something else",
    replies: [{ send: "220 mail ready\r\n" }],
    failed: "does not speak the Redis protocol",
  },
  {
    scheme: "memcached",
    when: "it reports its version",
    replies: [{ after: 9, send: "VERSION 1.6.18\r\n" }],
    ready: { version: "1.6.18" },
  },
  {
    scheme: "memcached",
    when: "it is out of memory",
    replies: [{ after: 9, send: "SERVER_ERROR out of memory\r\n" }],
    notReady: "out of memory",
  },
  {
    scheme: "memcached",
    when: "it speaks something else",
    replies: [{ after: 9, send: "+PONG\r\n" }],
    failed: "does not speak the memcached",
  },
  {
    scheme: "mongodb",
    when: "it is the primary",
    replies: [{ after: 16, send: mongoReply({ isWritablePrimary: true, ok: 1 }) }],
    ready: { role: "primary" },
  },
  {
    scheme: "mongodb",
    when: "it is a router",
    replies: [{ after: 16, send: mongoReply({ isWritablePrimary: true, msg: "isdbgrid", ok: 1 }) }],
    ready: { role: "router" },
  },
  {
    scheme: "mongodb",
    when: "it is a secondary",
    replies: [{ after: 16, send: mongoReply({ isWritablePrimary: false, secondary: true, ok: 1 }) }],
    ready: { role: "secondary" },
  },
  {
    scheme: "mongodb",
    when: "its replica set has no configuration",
    replies: [{
      after: 16,
      send: mongoReply({
        isWritablePrimary: false,
        secondary: false,
        info: "Does not have a valid replica set config",
        ok: 1,
      }),
    }],
    notReady: "Does not have a valid replica set config",
  },
  {
    scheme: "mongodb",
    when: "it reports an error",
    replies: [{ after: 16, send: mongoReply({ ok: 0, errmsg: "node is recovering" }) }],
    notReady: "node is recovering",
  },
  {
    scheme: "mongodb",
    when: "it answers another request",
    replies: [{ after: 16, send: mongoReply({ ok: 1 }, 77) }],
    failed: "does not speak the MongoDB protocol",
  },
  {
    scheme: "amqp",
    when: "it starts the connection",
    replies: [{ after: 8, send: amqpStart }],
    ready: { auth: ["PLAIN", "AMQPLAIN"] },
  },
  {
    scheme: "amqp",
    when: "it rejects the login",
    options: LOGIN,
    replies: [{ after: 8, send: amqpStart }, { after: 30, send: amqpClose(403, "ACCESS_REFUSED") }],
    failed: "rejected the login: ACCESS_REFUSED",
  },
  {
    scheme: "amqp",
    when: "it closes for its own reasons",
    replies: [{ after: 8, send: amqpClose(320, "CONNECTION_FORCED - broker forced shutdown") }],
    notReady: "broker forced shutdown",
  },
  {
    scheme: "amqp",
    when: "it opens the virtual host",
    options: LOGIN,
    replies: [{ after: 8, send: amqpStart }, {
      after: 30,
      send: amqpMethod(30, bigEndian(0, 2), bigEndian(131072, 4), bigEndian(60, 2)),
    }, { after: 20, send: amqpMethod(41, Uint8Array.of(0)) }],
    ready: { auth: ["PLAIN", "AMQPLAIN"] },
  },
  {
    scheme: "amqp",
    when: "it speaks AMQP 1.0",
    replies: [{ after: 8, send: concat([utf8("AMQP"), Uint8Array.of(0, 1, 0, 0)]) }],
    failed: "a version of AMQP other than 0-9-1",
  },
  { scheme: "kafka", when: "it lists its versions", replies: [{ after: 20, send: kafkaReply(0) }], ready: { apis: 1 } },
  {
    scheme: "kafka",
    when: "it answers with an error code",
    replies: [{ after: 20, send: kafkaReply(7) }],
    notReady: "error code 7",
  },
  {
    scheme: "kafka",
    when: "it answers something else",
    replies: [{ after: 20, send: kafkaReply(0, 1) }],
    failed: "does not speak the Kafka protocol",
  },
  {
    scheme: "mqtt",
    when: "it accepts",
    replies: [{ after: 12, send: Uint8Array.of(0x20, 2, 0, 0) }],
    ready: { version: "3.1.1" },
  },
  {
    scheme: "mqtt",
    when: "it is unavailable",
    replies: [{ after: 12, send: Uint8Array.of(0x20, 2, 0, 3) }],
    notReady: "server unavailable",
  },
  {
    scheme: "mqtt",
    when: "it wants a login",
    replies: [{ after: 12, send: Uint8Array.of(0x20, 2, 0, 5) }],
    ready: { version: "3.1.1", refused: "not authorized" },
  },
  {
    scheme: "mqtt",
    when: "it rejects the login",
    options: LOGIN,
    replies: [{ after: 12, send: Uint8Array.of(0x20, 2, 0, 4) }],
    failed: "rejected the login",
  },
  {
    scheme: "mqtt",
    path: "?version=5",
    when: "it is busy",
    replies: [{ after: 12, send: Uint8Array.of(0x20, 3, 0, 0x89, 0) }],
    notReady: "server busy",
  },
  {
    scheme: "mqtt",
    when: "it rejects the identifier",
    replies: [{ after: 12, send: Uint8Array.of(0x20, 2, 0, 2) }],
    failed: "identifier rejected",
  },
  {
    scheme: "nats",
    when: "it sends INFO and answers PING",
    replies: [{ send: 'INFO {"version":"2.9.10"}\r\n' }, { after: 20, send: "PONG\r\n" }],
    ready: { version: "2.9.10" },
  },
  {
    scheme: "nats",
    when: "it requires a login",
    replies: [{ send: 'INFO {"version":"2.9.10","auth_required":true}\r\n' }],
    ready: { version: "2.9.10", auth: "required" },
  },
  {
    scheme: "nats",
    when: "it requires TLS",
    replies: [{ send: 'INFO {"version":"2.9.10","auth_required":true,"tls_required":true}\r\n' }],
    ready: { version: "2.9.10", tls: "required" },
  },
  {
    scheme: "nats",
    when: "it requires TLS for the login",
    options: LOGIN,
    replies: [{ send: 'INFO {"version":"2.9.10","tls_required":true}\r\n' }],
    failed: "requires TLS, with which this check cannot log in",
  },
  {
    scheme: "nats",
    when: "it is in lame duck mode",
    replies: [{ send: 'INFO {"version":"2.9.10","ldm":true}\r\n' }],
    notReady: "lame duck mode",
  },
  {
    scheme: "nats",
    when: "it has too many clients",
    replies: [{ send: "-ERR 'maximum connections exceeded'\r\n" }],
    notReady: "maximum connections exceeded",
  },
  {
    scheme: "nats",
    when: "its INFO is invalid JSON",
    replies: [{ send: "INFO {oops\r\n" }],
    failed: "invalid JSON",
  },
  {
    scheme: "smtp",
    when: "it greets",
    replies: [{ send: "220 mail.test ESMTP\r\n" }],
    ready: { greeting: "220 mail.test ESMTP" },
  },
  { scheme: "smtp", when: "it turns clients away", replies: [{ send: "421 too busy\r\n" }], notReady: "421 too busy" },
  { scheme: "imap", when: "it greets", replies: [{ send: "* OK ready\r\n" }], ready: { greeting: "* OK ready" } },
  {
    scheme: "imap",
    when: "it turns clients away",
    replies: [{ send: "* BYE overloaded\r\n" }],
    notReady: "BYE overloaded",
  },
  { scheme: "pop3", when: "it greets", replies: [{ send: "+OK\r\n" }], ready: { greeting: "+OK" } },
  {
    scheme: "pop3",
    when: "it turns clients away",
    replies: [{ send: "-ERR try later\r\n" }],
    notReady: "-ERR try later",
  },
  { scheme: "ftp", when: "it greets", replies: [{ send: "220 (vsFTPd)\r\n" }], ready: { greeting: "220 (vsFTPd)" } },
  { scheme: "ftp", when: "it is not ready yet", replies: [{ send: "120 ready in 2 minutes\r\n" }], notReady: "120" },
  {
    scheme: "ssh",
    when: "it greets after other lines",
    replies: [{ send: "Welcome\r\nSSH-2.0-test\r\n" }],
    ready: { greeting: "SSH-2.0-test" },
  },
  {
    scheme: "ssh",
    when: "it ends after a banner (fault 53)",
    replies: [{ send: "Welcome\r\nGo away\r\n" }],
    failed: 'closed the connection after "Go away"',
  },
  {
    scheme: "ssh",
    when: "it has too many clients",
    replies: [{ send: "Exceeded MaxStartups\r\n" }],
    notReady: "MaxStartups",
  },
  {
    scheme: "smtp",
    when: "it is an SSH server",
    replies: [{ send: "SSH-2.0-test\r\n" }],
    failed: 'does not speak SMTP: it sent "SSH-2.0-test"',
  },
  { scheme: "ldap", when: "it accepts an anonymous bind", replies: [{ after: 14, send: ldapResult(0) }], ready: {} },
  {
    scheme: "ldap",
    when: "it forbids anonymous binds",
    replies: [{ after: 14, send: ldapResult(48) }],
    ready: { refused: "inappropriate authentication" },
  },
  {
    scheme: "ldap",
    when: "it is busy",
    replies: [{ after: 14, send: ldapResult(51, "later") }],
    notReady: "busy (later)",
  },
  {
    scheme: "ldap",
    when: "it is unavailable",
    replies: [{ after: 14, send: ldapResult(52) }],
    notReady: "unavailable",
  },
  {
    scheme: "ldap",
    when: "it rejects the login",
    options: LOGIN,
    replies: [{ after: 14, send: ldapResult(49) }],
    failed: "rejected the login: invalid credentials",
  },
  {
    scheme: "http",
    path: "/health",
    when: "it answers 200",
    replies: [{ after: 20, send: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }],
    ready: { status: 200 },
  },
  {
    scheme: "http",
    when: "it answers 503",
    replies: [{ after: 20, send: "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n" }],
    notReady: "answered 503 Service Unavailable",
  },
  {
    scheme: "http",
    when: "it answers after early hints",
    replies: [{ after: 20, send: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n" }],
    ready: { status: 204 },
  },
  {
    scheme: "http",
    when: "the body is chunked and as expected",
    options: { expected: { body: "pie" } },
    replies: [{
      after: 20,
      send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nap\np\r\n3;x=y\r\npie\r\n0\r\nT: t\r\n\r\n",
    }],
    ready: { status: 200 },
  },
  {
    scheme: "http",
    when: "the JSON differs",
    options: { expected: { bodyJson: "db[0].up=true" } },
    replies: [{ after: 20, send: 'HTTP/1.0 200 OK\r\n\r\n{"db":[{"up":false}]}' }],
    notReady: "db[0].up is false, not true",
  },
  {
    scheme: "http",
    when: "the response headers are as expected",
    options: { expected: { responseHeaders: ["x-ready", "X-Version: 2.", "X-VERSION:v2"] } },
    replies: [{ after: 20, send: "HTTP/1.1 204 No Content\r\nX-Ready:\r\nX-Version: v2.1\r\n\r\n" }],
    ready: { status: 204 },
  },
  {
    scheme: "http",
    when: "a response header is missing",
    options: { expected: { responseHeaders: ["x-ready: yes"] } },
    replies: [{ after: 20, send: "HTTP/1.1 204 No Content\r\nX-Version: 2.1\r\n\r\n" }],
    notReady: "has no header x-ready",
  },
  {
    scheme: "http",
    when: "a response header differs",
    options: { expected: { responseHeaders: ["X-Version: 3"] } },
    replies: [{ after: 20, send: "HTTP/1.1 204 No Content\r\nx-version: 2.1\r\n\r\n" }],
    notReady: 'header X-Version: "2.1" does not contain "3"',
  },
  {
    scheme: "http",
    when: "it redirects",
    options: { expected: { status: "200" } },
    replies: [{ after: 20, send: "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n" }],
    notReady: "Location: /login",
  },
  {
    scheme: "http",
    when: "it is an SSH server",
    replies: [{ send: "SSH-2.0-test\r\n" }],
    failed: "does not speak HTTP",
  },
  {
    scheme: "etcd",
    when: "it is healthy",
    replies: [{ after: 20, send: 'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"health":"true"}' }],
    ready: { status: 200 },
  },
  {
    scheme: "consul",
    when: "it has no leader",
    replies: [{ after: 20, send: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n""' }],
    notReady: "does not match",
  },
];

/** The replies that close the connection by the protocol, so that the end of a body is seen. */
const CLOSES = new Set(["the JSON differs", "it ends after a banner (fault 53)", "it ends after a reply"]);

for (const { scheme, path = "", when, replies, options, ready, notReady, failed } of CASES) {
  const outcome = ready !== undefined ? "reports ready" : notReady !== undefined ? "reports not ready" : "fails";
  for (const chunk of [undefined, 1]) {
    Deno.test(`the ${scheme} probe ${outcome} when ${when}${chunk === 1 ? ", one byte at a time" : ""}`, async () => {
      await using server = replyingServer(replies, { ...(chunk && { chunk }), closes: CLOSES.has(when) });
      const probing = runProbe(`${scheme}://127.0.0.1:${server.port}${path}`, options);
      if (ready !== undefined) return assertEquals(await probing, ready);
      const error = await assertRejects(() => probing);
      assertInstanceOf(error, ParleyError);
      assertEquals(error instanceof NotReadyError, notReady !== undefined, String(error));
      assertStringIncludes(error.message, notReady ?? failed ?? "");
    });
  }
}

Deno.test("the mysql probe completes the login of a user that has no account, and quits once it is accepted", async () => {
  const accepted = mysqlPacket(2, Uint8Array.of(0, 0, 0));
  const server = replyingServer([{ send: mysqlGreeting() }, { after: 60, send: accepted }]);
  {
    // Ends once the server has read everything.
    await using _ = server;
    await runProbe(`mysql://app:secret@127.0.0.1:${server.port}`);
  }
  const sent = new TextDecoder("latin1").decode(server.received());
  assertStringIncludes(sent, "parley-check\0\0mysql_native_password\0");
  assertEquals(sent.endsWith("\x01\0\0\0\x01"), true, sent);
});

/** Protocols over a stream. */
const STREAMS = PROTOCOLS.filter(({ isTransport }) => !isTransport).flatMap(({ schemes, tls = [] }) =>
  schemes.filter((scheme) => !tls.includes(scheme))
)
  .filter((scheme) => !["file", "exec", "dns"].includes(scheme));

for (const scheme of STREAMS) {
  Deno.test(`the ${scheme} probe fails within its deadline when the server is silent`, async () => {
    await using server = replyingServer([]);
    const started = performance.now();
    const error = await assertRejects(() =>
      runProbe(`${scheme}://127.0.0.1:${server.port}`, { deadline: new Deadline(60) })
    );
    const elapsedMs = performance.now() - started;
    assertInstanceOf(error, TimeoutError);
    assertEquals(elapsedMs >= 55 && elapsedMs < 2_000, true, `${elapsedMs} ms`);
  });

  Deno.test(`the ${scheme} probe fails when the server closes without a word`, async () => {
    await using server = replyingServer([{ after: 1, send: "" }], { closes: true });
    await using greeter = replyingServer([], { closes: true });
    const speaksFirst = ["smtp", "imap", "pop3", "ftp", "ssh", "nats", "mysql", "mariadb"].includes(scheme);
    const { port } = speaksFirst ? greeter : server;
    const error = await assertRejects(() => runProbe(`${scheme}://127.0.0.1:${port}`));
    assertInstanceOf(error, ParleyError);
    assertInstanceOf(error, ClosedEarlyError);
  });
}

Deno.test("ScramClient rejects invalid Base64 as the server's fault, not as a mistake of the user", async () => {
  const client = new ScramClient("u", "p", "nonce");
  await assertRejects(() => client.final("r=nonceX,s=*,i=1"), ParleyError, "SCRAM: invalid Base64");
  assertThrows(() => client.verify("v=*"), ParleyError, "SCRAM: invalid Base64");
});
