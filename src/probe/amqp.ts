/**
 * AMQP 0-9-1 (https://www.rabbitmq.com/amqp-0-9-1-protocol: protocol header, section 4.2.2; frames, 4.2.3; connection
 * class, 1.4).
 *
 * Ready: the broker answers the protocol header with Connection.Start and, after a login, with Connection.Tune and
 * Connection.Open-Ok for the virtual host. Not ready: it closes the connection with a reason.
 *
 * @module
 */

import { bigEndian, concat, latin1, utf8, viewOf } from "../base/bytes.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire, prefixed, type Wire } from "./wire.ts";

const METHOD_FRAME = 1;
const FRAME_END = 0xce;
const CONNECTION = 10;
const START = 10;
const START_OK = 11;
const TUNE = 30;
const TUNE_OK = 31;
const OPEN = 40;
const OPEN_OK = 41;
const CLOSE = 50;
/** Reply codes of Connection.Close: the credentials were rejected, or the user has no access to the virtual host. */
const ACCESS_REFUSED = 403;
const NOT_ALLOWED = 530;

/** With this capability, the broker answers a rejected login with Connection.Close instead of a reset. */
const CLIENT_PROPERTIES = table("capabilities", "F", table("authentication_failure_close", "t", Uint8Array.of(1)));

interface Method {
  readonly method: number;
  readonly args: Uint8Array;
}

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, login } = context;
  await using wire = await openWire(context);
  await wire.write("AMQP", Uint8Array.of(0, 0, 9, 1));
  const start = await receive(context, wire);
  if (start.method !== START || start.args.length < 6) throw unexpected(target, "does not start with Connection.Start");
  // Two version bytes, then the length of the server's properties.
  const mechanismsAt = 2 + 4 + viewOf(start.args).getUint32(2);
  const mechanisms = longString(start.args, mechanismsAt).split(" ").filter(Boolean);
  const facts = { auth: mechanisms };
  if (login === undefined) return facts;
  if (!mechanisms.includes("PLAIN")) throw unexpected(target, "does not offer the PLAIN mechanism");
  await send(wire, START_OK, [
    ...[CLIENT_PROPERTIES, prefixed("PLAIN", 1)],
    ...[prefixed(`\0${login.user}\0${login.password}`, 4), prefixed("en_US", 1)],
  ]);
  const tune = await receive(context, wire);
  if (tune.method !== TUNE || tune.args.length < 8) throw unexpected(target, "does not answer with Connection.Tune");
  await send(wire, TUNE_OK, [tune.args.subarray(0, 6), bigEndian(0, 2)]);
  const virtualHost = target.name || "/";
  await send(wire, OPEN, [prefixed(virtualHost, 1), Uint8Array.of(0, 0)]);
  const open = await receive(context, wire);
  if (open.method !== OPEN_OK) throw unexpected(target, "does not answer with Connection.Open-Ok");
  await send(wire, CLOSE, [bigEndian(200, 2), prefixed("done", 1), bigEndian(0, 4)]);
  return facts;
}

async function send(wire: Wire, method: number, args: readonly Uint8Array[]): Promise<void> {
  const payload = concat([bigEndian(CONNECTION, 2), bigEndian(method, 2), ...args]);
  const head = [Uint8Array.of(METHOD_FRAME), bigEndian(0, 2), bigEndian(payload.length, 4)];
  await wire.write(...head, payload, Uint8Array.of(FRAME_END));
}

async function receive({ target, login }: ProbeContext, wire: Wire): Promise<Method> {
  const head = await wire.exactly(7);
  // A broker of another version answers with its own protocol header and closes the connection.
  if (latin1(head).startsWith("AMQP")) throw unexpected(target, "speaks a version of AMQP other than 0-9-1");
  if (head[0] !== METHOD_FRAME) throw unexpected(target, "does not speak AMQP 0-9-1");
  const length = viewOf(head).getUint32(3);
  const payload = await wire.exactly(length + 1);
  if (length < 4 || payload[length] !== FRAME_END) throw unexpected(target, "does not speak AMQP 0-9-1");
  const view = viewOf(payload);
  const method = view.getUint16(2);
  const args = payload.subarray(4, length);
  if (view.getUint16(0) !== CONNECTION) throw unexpected(target, "sent a method outside the connection class");
  if (method !== CLOSE) return { method, args };
  const code = args.length < 2 ? 0 : viewOf(args).getUint16(0);
  const words = latin1(args.subarray(3, 3 + (args[2] ?? 0)));
  if (login !== undefined && (code === ACCESS_REFUSED || code === NOT_ALLOWED)) {
    throw unexpected(target, `rejected the login: ${words}`);
  }
  throw notReady(target, words);
}

function longString(bytes: Uint8Array, at: number): string {
  if (at + 4 > bytes.length) return "";
  const length = viewOf(bytes).getUint32(at);
  return latin1(bytes.subarray(at + 4, at + 4 + length));
}

/** A field table with one field (section 4.2.5.5). */
function table(name: string, type: string, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return prefixed(concat([prefixed(name, 1), utf8(type), value]), 4);
}
