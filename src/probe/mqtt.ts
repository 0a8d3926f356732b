/**
 * MQTT 3.1.1, or 5 with `?version=5` (OASIS: CONNECT section 3.1, CONNACK section 3.2).
 *
 * Ready: the connection is accepted, or refused only because of the credentials. Not ready: server unavailable, busy,
 * or shutting down.
 *
 * @module
 */

import { bigEndian, concat, leb128 } from "../base/bytes.ts";
import { UsageError } from "../base/errors.ts";
import { type Facts, notReady, type ProbeContext, unexpected } from "./probe.ts";
import { openWire, prefixed } from "./wire.ts";

const CONNECT = 0x10;
const CONNACK = 0x20;
const DISCONNECT = 0xe0;
const CLEAN_START = 0x02;
const HAS_USER = 0x80;
const HAS_PASSWORD = 0x40;
const KEEP_ALIVE_S = 10;

interface Verdict {
  readonly words: string;
  readonly isReady?: boolean;
}

/** Return codes of 3.1.1, table 3.1. */
const CODES_3: Readonly<Record<number, Verdict>> = {
  1: { words: "unacceptable protocol version" },
  2: { words: "identifier rejected" },
  3: { words: "server unavailable", isReady: false },
  4: { words: "bad user name or password", isReady: true },
  5: { words: "not authorized", isReady: true },
};
/** Reason codes of 5, table 3-1. */
const CODES_5: Readonly<Record<number, Verdict>> = {
  0x84: { words: "unsupported protocol version" },
  0x86: { words: "bad user name or password", isReady: true },
  0x87: { words: "not authorized", isReady: true },
  0x88: { words: "server unavailable", isReady: false },
  0x89: { words: "server busy", isReady: false },
  0x97: { words: "quota exceeded", isReady: false },
  0x9c: { words: "use another server", isReady: false },
  0x9d: { words: "server moved", isReady: false },
  0x9f: { words: "connection rate exceeded", isReady: false },
};

export async function probe(context: ProbeContext): Promise<Facts> {
  const { target, login } = context;
  const version = target.query.get("version") ?? "3.1.1";
  if (version !== "3.1.1" && version !== "5") {
    throw new UsageError(`Cannot speak MQTT version "${version}": known versions are 3.1.1 and 5`);
  }
  const isFive = version === "5";
  await using wire = await openWire(context);
  const flags = CLEAN_START | (login === undefined ? 0 : HAS_USER | HAS_PASSWORD);
  const body = concat([
    prefixed("MQTT", 2),
    Uint8Array.of(isFive ? 5 : 4, flags),
    bigEndian(KEEP_ALIVE_S, 2),
    // No properties.
    ...(isFive ? [Uint8Array.of(0)] : []),
    prefixed(`parley-${crypto.randomUUID().slice(0, 8)}`, 2),
    ...(login === undefined ? [] : [prefixed(login.user, 2), prefixed(login.password, 2)]),
  ]);
  await wire.write(Uint8Array.of(CONNECT), Uint8Array.from(leb128(body.length)), body);
  const [type, length = 0, , code = 0] = await wire.exactly(4);
  if (type !== CONNACK || length < 2) throw unexpected(target, "does not speak MQTT");
  if (code === 0) {
    await wire.write(Uint8Array.of(DISCONNECT, 0));
    return { version };
  }
  const verdict = (isFive ? CODES_5 : CODES_3)[code] ?? { words: `reason code ${code}` };
  if (verdict.isReady === false) throw notReady(target, verdict.words);
  if (verdict.isReady && login === undefined) return { version, refused: verdict.words };
  throw unexpected(target, `${verdict.isReady ? "rejected the login" : "refused the connection"}: ${verdict.words}`);
}
