/**
 * Redis and its relatives, RESP2 (https://redis.io/docs/reference/protocol-spec/).
 *
 * Ready: `+PONG`, or an error that requires a login. Not ready: `-LOADING`, `-MASTERDOWN`, `-BUSY`, too many clients.
 *
 * @module
 */

import { utf8 } from "../base/bytes.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire, type Wire } from "./wire.ts";

/** Errors of a server that is up but does not serve. */
const NOT_READY = /^-(?:LOADING|MASTERDOWN|BUSY|CLUSTERDOWN|TRYAGAIN|ERR max number of clients)/i;

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, login } = context;
  await using wire = await openWire(context);
  if (login !== undefined) {
    const words = login.user === "" ? ["AUTH", login.password] : ["AUTH", login.user, login.password];
    const reply = await call(wire, ...words);
    if (NOT_READY.test(reply)) throw notReady(target, reply.slice(1));
    if (!reply.startsWith("+")) throw unexpected(target, `rejected the login: ${reply.slice(1)}`);
  }
  const reply = await call(wire, "PING");
  if (reply === "+PONG") return {};
  if (NOT_READY.test(reply)) throw notReady(target, reply.slice(1));
  if (login === undefined && /^-(?:NOAUTH|NOPERM|DENIED)/.test(reply)) return { refused: reply.slice(1) };
  if (reply.startsWith("-")) throw unexpected(target, `answered: ${reply.slice(1)}`);
  throw unexpected(target, "does not speak the Redis protocol");
}

async function call(wire: Wire, ...words: readonly string[]): Promise<string> {
  const items = words.map((word) => `$${utf8(word).length}\r\n${word}\r\n`);
  await wire.write(`*${words.length}\r\n${items.join("")}`);
  return await wire.line();
}
