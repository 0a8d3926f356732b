/** Whoever waits with a signal listens to it, and no longer than it waits: programs live for months with one signal. */

import { assertEquals, assertRejects } from "@std/assert";
import { parseFraming } from "@parley/parley";
import { DatagramRelay } from "../../src/datagram/relay.ts";
import { DatagramServer } from "../../src/datagram/server.ts";
import { bind, connect, listen } from "../../src/factory.ts";
import { Admission } from "../../src/guard/admission.ts";
import { Logger } from "../../src/log/logger.ts";
import { directDialer } from "../../src/net/direct_dialer.ts";
import { raceAddresses } from "../../src/net/happy_eyeballs.ts";
import { dialResettable } from "../../src/net/resettable.ts";
import { abortable, delay } from "../../src/net/wait.ts";
import { Server } from "../../src/server/server.ts";
import { withinTime } from "../support/give_back.ts";
import { WatchedSignal } from "../support/watched_signal.ts";

const ANY = "udp://127.0.0.1:0";
const log = Logger.of("test");
const late = () => new Error("late");
const never = new Promise<never>(() => {});

/** What waits with a signal and ends by itself. */
const WAITS: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
  "abortable() whose work is done": (signal) => abortable(Promise.resolve(1), { signal }),
  "abortable() whose work fails": (signal) => abortable(Promise.reject(new Error("own")), { signal }).catch(() => {}),
  "abortable() whose time runs out": (signal) => abortable(never, { signal, timeout: 1 }, late).catch(() => {}),
  "delay()": (signal) => delay(1, signal),
  "Admission.waitForSlot()": async (signal) => {
    const admission = new Admission({ maxConnections: 1 });
    admission.enter();
    const waiting = admission.waitForSlot(signal);
    admission.leave();
    await waiting;
  },
  "raceAddresses()": (signal) =>
    raceAddresses([{ address: "127.0.0.1", family: 4 }], { endpoint: "tcp://a:1", port: 1 }, {
      signal,
      dial: () => Promise.resolve({ [Symbol.dispose]() {} }),
    }),
  "dialResettable()": async (signal) => {
    using listener = await listen("tcp://127.0.0.1:0");
    if (!("port" in listener.endpoint)) throw new Error("no port");
    using _ = await dialResettable("127.0.0.1", listener.endpoint.port, signal);
    (await listener.accept())?.close();
  },
  "a dialer": async (signal) => {
    using listener = await listen("tcp://127.0.0.1:0");
    const dialed = await directDialer.dial(listener.endpoint, { log, signal, resolveTimeoutMs: 10_000 });
    dialed.transport.close();
    (await listener.accept())?.close();
  },
  "a server that serves a number of clients": async (signal) => {
    const listener = await listen("tcp://127.0.0.1:0");
    const server = new Server({
      service: { serve: async (session) => void await session.receive() },
      listeners: [listener],
      codec: parseFraming("line"),
      log,
      drainTimeoutMs: 10_000,
      maxAccepts: 1,
    });
    const running = server.run(signal);
    (await connect(listener.endpoint)).close();
    await running;
  },
  "a server of datagrams that answers a number of them": async (signal) => {
    const [socket, client] = [await bind(ANY), await bind(ANY)];
    const service = { onDatagram: () => undefined };
    const running = new DatagramServer({ service, sockets: [socket], log, maxDatagrams: 1 }).run(signal);
    await client.send(Uint8Array.of(1), socket.endpoint);
    await running;
    client.close();
  },
  "a relay of datagrams that forwards a number of them": async (signal) => {
    const [front, target, client] = [await bind(ANY), await bind(ANY), await bind(ANY)];
    const options = { front, log, target: target.endpoint, open: () => bind(ANY), maxClients: 1, idleTimeout: "1s" };
    const running = new DatagramRelay({ ...options, maxDatagrams: 1 }).run(signal);
    await client.send(Uint8Array.of(1), front.endpoint);
    await running;
    client.close();
    target.close();
  },
};

for (const [what, wait] of Object.entries(WAITS)) {
  Deno.test(`${what} leaves no listener with its signal`, async () => {
    const watched = new WatchedSignal();
    await withinTime(wait(watched.signal), what);
    assertEquals(watched.listeners.size, 0);
  });
}

/** Operations that wait for something that never happens. */
const ENDLESS: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
  "abortable()": (signal) => abortable(never, { signal }),
  "delay()": (signal) => delay(600_000, signal),
  "raceAddresses()": (signal) =>
    raceAddresses([{ address: "127.0.0.1", family: 4 }], { endpoint: "tcp://a:1", port: 1 }, {
      signal,
      dial: () => never,
    }),
};

for (const [what, wait] of Object.entries(ENDLESS)) {
  Deno.test(`${what} ends with the reason of its signal, aborted before or meanwhile`, async () => {
    const watched = new WatchedSignal();
    const waiting = wait(watched.signal);
    watched.abort(new Error("enough"));
    await assertRejects(() => withinTime(waiting, what), Error, "enough");
    await assertRejects(() => withinTime(wait(watched.signal), what), Error, "enough");
  });
}
