import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { encodeSocksDatagram, parseSocksDatagram } from "../../src/framing/socks.ts";
import { bind } from "../../src/factory.ts";
import { Logger } from "../../src/log/logger.ts";
import type { ConnectionInit } from "../../src/net/connection_ends.ts";
import { DeadlineTimer } from "../../src/net/deadline_timer.ts";
import type { ResolvedAddress } from "../../src/net/resolve.ts";
import { TargetList } from "../../src/services/proxy/target_list.ts";
import { UdpAssociation, type UdpAssociationOptions } from "../../src/services/proxy/udp_association.ts";
import { FakeTime } from "../support/fake_time.ts";
import { fakeConnection } from "../support/fake_transport.ts";

const LOOPBACK: readonly ResolvedAddress[] = [{ address: "127.0.0.1", family: 4 }];
const bindUdp = () => Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
const portOf = (socket: Deno.DatagramConn) => (socket.addr as Deno.NetAddr).port;

/** An association, its client, and a target that answers. */
async function associate(
  resolve: (name: string) => Promise<readonly ResolvedAddress[]>,
  options: Pick<UdpAssociationOptions, "bind"> = {},
  init: Partial<ConnectionInit> = {},
) {
  const logged: Readonly<Record<string, unknown>>[] = [];
  const log: Logger = Object.assign(Object.create(Logger.prototype), {
    debug: (text: string, fields: Readonly<Record<string, unknown>>) =>
      text === "association ended" && logged.push(fields),
    with: () => log,
    isEnabled: () => false,
    warning: () => {},
  });
  const { connection } = fakeConnection({ log, ...init });
  const association = await UdpAssociation.open(connection, {
    targets: new TargetList({ allow: [], deny: ["127.0.0.9"] }),
    resolveTimeoutMs: 60_000,
    port: 0,
    onEnd: () => {},
    resolve: (name) => resolve(name).then((addresses) => [...addresses]),
    ...options,
  });
  const running = association.run();
  const [client, echo] = [bindUdp(), bindUdp()];
  const { host: hostname, port } = association.relay;
  const relay: Deno.NetAddr = { transport: "udp", hostname, port };
  const send = (to: string, port: number, text: string) =>
    client.send(encodeSocksDatagram({ host: to, port }, utf8(text)), relay);
  const receive = async () => {
    const parsed = parseSocksDatagram((await client.receive())[0]);
    return new TextDecoder().decode(parsed?.data);
  };
  return {
    connection,
    logged,
    client,
    relay,
    send,
    receive,
    /** What asks for a datagram to the target. */
    datagram: (text: string) => encodeSocksDatagram({ host: "127.0.0.1", port: portOf(echo) }, utf8(text)),
    /** Settles when all that was sent before has been looked at, as whom the target sees. */
    async turn(): Promise<Deno.Addr> {
      await send("127.0.0.1", portOf(echo), "turn");
      const [bytes, from] = await echo.receive();
      await echo.send(bytes, from);
      assertEquals(await receive(), "turn");
      return from;
    },
    async [Symbol.asyncDispose]() {
      connection.close("done");
      await running;
      await association[Symbol.asyncDispose]();
      client.close();
      echo.close();
    },
  };
}

Deno.test("UdpAssociation resolves 16 names at a time (MAX_RESOLVING), and another when one is done", async () => {
  const pending = new Map<string, PromiseWithResolvers<readonly ResolvedAddress[]>>();
  await using client = await associate((name) => {
    const resolving = Promise.withResolvers<readonly ResolvedAddress[]>();
    pending.set(name, resolving);
    return resolving.promise;
  });
  const ask = async (name: string) => {
    await client.send(name, 9, "x");
    await client.turn();
    return pending.has(name);
  };
  for (let index = 0; index < 16; index++) assertEquals(await ask(`n${index}.test`), true);
  assertEquals(await ask("n16.test"), false);
  pending.get("n3.test")?.resolve(LOOPBACK);
  assertEquals([await ask("n16.test"), await ask("n17.test")], [true, false]);
  // A name that is not found gives its place back, too.
  pending.get("n4.test")?.reject(new Error("no such name"));
  await client.turn();
  assertEquals(await ask("n17.test"), true);
  for (const { resolve } of pending.values()) resolve(LOOPBACK);
});

Deno.test("UdpAssociation knows 1,024 names (MAX_TARGETS), each of which is resolved once", async () => {
  const asked: string[] = [];
  await using client = await associate((name) => {
    asked.push(name);
    return Promise.resolve(LOOPBACK);
  });
  for (let index = 0; index < 1_025; index++) {
    await client.send(`n${index}.test`, 9, "x");
    if (index % 16 === 15) await client.turn();
  }
  await client.send("n0.test", 9, "x");
  await client.turn();
  assertEquals([asked.length, new Set(asked).size, asked.at(-1)], [1_024, 1_024, "n1023.test"]);
});

Deno.test("UdpAssociation lets the last 1,024 targets reply (MAX_TARGETS)", async () => {
  await using client = await associate(() => Promise.resolve([]));
  const first = bindUdp();
  try {
    await client.send("127.0.0.1", portOf(first), "hello");
    const [, back] = await first.receive();
    // With the target that answers they are 1,024.
    for (let index = 0; index < 1_022; index++) {
      await client.send(`127.0.1.${index & 255}`, 9 + (index >> 8), "x");
      if (index % 16 === 15) await client.turn();
    }
    await client.turn();
    await first.send(utf8("still here"), back);
    assertEquals(await client.receive(), "still here");
    await client.send("127.0.2.1", 9, "x");
    await client.turn();
    await first.send(utf8("forgotten"), back);
    // The next that arrives is of the other target.
    await client.turn();
  } finally {
    first.close();
  }
});

Deno.test("UdpAssociation relays for the address of its connection alone, and from the first port", async () => {
  await using client = await associate(() => Promise.resolve([]));
  const strangers = ["127.0.0.2", "127.0.0.1"].map((hostname) =>
    Deno.listenDatagram({ transport: "udp", hostname, port: 0 })
  );
  const [other, late] = strangers;
  try {
    await other?.send(client.datagram("stranger"), client.relay);
    await client.turn();
    await late?.send(client.datagram("late"), client.relay);
    // The target would see them first.
    await client.turn();
  } finally {
    for (const socket of strangers) socket.close();
  }
});

Deno.test("UdpAssociation counts what it drops, by reason, and logs it at its end", async () => {
  let logged: Readonly<Record<string, unknown>>[] = [];
  {
    await using client = await associate((name) =>
      name === "none.test" ? Promise.resolve([]) : Promise.reject(new Error("no name server"))
    );
    ({ logged } = client);
    const target = await client.turn();
    const fragment = client.datagram("x");
    fragment[2] = 1;
    for (const bytes of [utf8("x"), fragment]) await client.client.send(bytes, client.relay);
    for (const host of ["127.0.0.9", "none.test", "unknown.test"]) await client.send(host, 9, "x");
    await client.send("127.0.0.1", 0, "x");
    const stranger = bindUdp();
    await stranger.send(client.datagram("x"), client.relay);
    // Nobody has sent to it.
    await stranger.send(utf8("x"), target);
    await client.turn();
    stranger.close();
  }
  assertEquals(logged, [{
    received: 9,
    sent: 2,
    dropped_malformed: 1,
    dropped_fragment: 1,
    dropped_denied: 2,
    dropped_no_address: 1,
    dropped_unexpected_sender: 1,
    dropped_send_failed: 1,
    replies_received: 3,
    replies_sent: 2,
    replies_dropped_unexpected_sender: 1,
  }]);
});

Deno.test("UdpAssociation opens its socket to the targets again a second after a failure (REOPEN_MS)", async () => {
  using time = new FakeTime();
  let binds = 0;
  let handled = Promise.withResolvers<void>();
  const resolveNothing = () => {
    handled.resolve();
    return Promise.reject(new Error("no name server"));
  };
  await using client = await associate(resolveNothing, {
    bind: (endpoint, options) => {
      const outOfDescriptors = Object.assign(new Error("too many open files"), { code: "EMFILE" });
      return ++binds === 2 ? Promise.reject(outOfDescriptors) : bind(endpoint, options);
    },
  });
  const sendAndHandle = async () => {
    handled = Promise.withResolvers();
    await client.client.send(client.datagram("x"), client.relay);
    // The name is asked for after the datagram before it was handled.
    await client.send("none.test", 9, "x");
    await handled.promise;
    await time.advance(0);
  };
  await sendAndHandle();
  await time.advance(999);
  await sendAndHandle();
  assertEquals(binds, 2);
  await time.advance(1);
  await sendAndHandle();
  assertEquals(binds, 3);
});

for (const what of ["a datagram of its client", "a reply of a target", "a datagram of another client"] as const) {
  const isActivity = what !== "a datagram of another client";
  Deno.test(`UdpAssociation ${isActivity ? "counts" : "does not count"} ${what} as activity of the connection`, async () => {
    using time = new FakeTime();
    let handled = Promise.withResolvers<void>();
    const resolveNothing = () => {
      handled.resolve();
      return Promise.resolve([]);
    };
    const init = { deadlineTimer: DeadlineTimer.for([1_000]), limits: { idleMs: 1_000 } };
    await using client = await associate(resolveNothing, {}, init);
    const [echo, stranger] = [bindUdp(), bindUdp()];
    await client.send("127.0.0.1", portOf(echo), "hello");
    const [, back] = await echo.receive();
    await time.advance(600);
    if (what === "a datagram of its client") {
      handled = Promise.withResolvers();
      await client.send("none.test", 9, "x");
      await handled.promise;
    } else if (what === "a reply of a target") {
      await echo.send(utf8("reply"), back);
      assertEquals(await client.receive(), "reply");
    } else {
      await stranger.send(client.datagram("x"), client.relay);
    }
    await time.advance(600);
    assertEquals(client.connection.closeReason, isActivity ? undefined : "idle timeout");
    await time.advance(600);
    assertEquals(client.connection.closeReason, "idle timeout");
    echo.close();
    stranger.close();
  });
}
