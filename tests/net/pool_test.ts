import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { LimitError, ParleyError, RefusedError, TimeoutError } from "../../src/base/errors.ts";
import { connect, listen } from "../../src/factory.ts";
import { Logger } from "../../src/log/logger.ts";
import { Connection } from "../../src/net/connection.ts";
import type { Transport } from "../../src/net/transport.ts";
import { ConnectionPool, type PoolOptions } from "../../src/net/pool.ts";
import { FakeTime } from "../support/fake_time.ts";

/** The far side of a fake connection: sends what the pool's side reads. */
class FakePeer implements Transport {
  isClosed = false;
  #reads: PromiseWithResolvers<number | null>[] = [];
  #buffer: Uint8Array | undefined;

  read(bytes: Uint8Array): Promise<number | null> {
    this.#buffer = bytes;
    const read = Promise.withResolvers<number | null>();
    this.#reads.push(read);
    return read.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
    this.end();
  }

  /** The peer ends. */
  end(): void {
    this.#reads.shift()?.resolve(null);
  }

  /** The peer sends one byte. */
  say(byte: number): void {
    this.#buffer?.set([byte]);
    this.#reads.shift()?.resolve(1);
  }
}

const ENDPOINT = { scheme: "tcp", host: "127.0.0.1", port: 1, path: "/" } as const;

/** A pool of fake connections, and their far sides in the order in which they were opened. */
function fakePool(options: PoolOptions = {}): { pool: ConnectionPool; peers: FakePeer[] } {
  const peers: FakePeer[] = [];
  const pool = new ConnectionPool(() => {
    const peer = new FakePeer();
    peers.push(peer);
    const log = Logger.of("test");
    return Promise.resolve(new Connection(peer, { id: peers.length, local: ENDPOINT, remote: ENDPOINT, log }));
  }, options);
  return { pool, peers };
}

Deno.test("acquire() opens connections up to the size and uses them again", async () => {
  const { pool, peers } = fakePool({ size: 2 });
  await using _closing = pool;
  const first = await pool.acquire();
  const second = await pool.acquire();
  assertNotEquals(first.connection.id, second.connection.id);
  first.release();
  const third = await pool.acquire();
  assertStrictEquals(third.connection, first.connection);
  assertEquals(peers.length, 2);
  second.release();
  third.release();
  assertEquals(pool.stats, { idle: 2, leased: 0, opening: 0, waiting: 0 });
});

Deno.test("acquire() serves waiting callers in order", async () => {
  const { pool } = fakePool({ size: 1 });
  await using _closing = pool;
  const order: number[] = [];
  const held = await pool.acquire();
  const waiting = [1, 2, 3, 4].map(async (number) => {
    await using _lease = await pool.acquire();
    order.push(number);
  });
  assertEquals(pool.stats.waiting, 4);
  held.release();
  // Came after them, although a connection has just become free.
  const late = pool.acquire().then((lease) => {
    order.push(5);
    lease.release();
  });
  await Promise.all([...waiting, late]);
  assertEquals(order, [1, 2, 3, 4, 5]);
});

Deno.test("acquire() throws a TimeoutError of phase pool when none is free in time", async () => {
  using time = new FakeTime();
  const { pool } = fakePool({ size: 1, waitTimeout: 20 });
  await using _closing = pool;
  const held = await pool.acquire();
  let isOver = false;
  const late = assertRejects(() => pool.acquire(), TimeoutError, "No connection was free within 20ms (1 of 1");
  void late.then(() => isOver = true);
  await time.advance(19);
  assertEquals(isOver, false);
  await time.advance(1);
  const error = await late;
  assertEquals(error.phase, "pool");
  assertEquals(pool.stats.waiting, 0);
  held.release();
  (await pool.acquire()).release();
});

Deno.test("acquire() lets the next caller proceed when its signal aborts", async () => {
  const { pool } = fakePool({ size: 1 });
  await using _closing = pool;
  const held = await pool.acquire();
  const controller = new AbortController();
  const given = pool.acquire({ signal: controller.signal });
  const next = pool.acquire();
  controller.abort(new TypeError("no longer"));
  await assertRejects(() => given, TypeError, "no longer");
  held.release();
  (await next).release();
  assertEquals(pool.stats, { idle: 1, leased: 0, opening: 0, waiting: 0 });
});

Deno.test("acquire() loses no connection when the signal aborts as it is served", async () => {
  const { pool } = fakePool({ size: 1, trustFor: "1m" });
  await using _closing = pool;
  for (let turns = 0; turns < 12; turns++) {
    const held = await pool.acquire();
    const controller = new AbortController();
    const given = pool.acquire({ signal: controller.signal }).then((lease) => lease.release(), () => {});
    held.release();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    controller.abort(new TypeError("no longer"));
    await given;
    (await pool.acquire()).release();
    assertEquals(pool.stats, { idle: 1, leased: 0, opening: 0, waiting: 0 });
  }
});

Deno.test("acquire() never hands out a connection that the peer ended while it was idle", async () => {
  const { pool, peers } = fakePool();
  await using _closing = pool;
  (await pool.acquire()).release();
  peers[0]?.end();
  await using lease = await pool.acquire();
  assertEquals(lease.connection.id, 2);
  assert(peers[0]?.isClosed);
});

Deno.test("acquire() never hands out a connection on which the peer spoke while it was idle", async () => {
  const { pool, peers } = fakePool();
  await using _closing = pool;
  (await pool.acquire()).release();
  peers[0]?.say(65);
  await using lease = await pool.acquire();
  assertEquals(lease.connection.id, 2);
});

Deno.test("acquire() leaves bytes that arrive afterwards to the caller", async () => {
  const { pool, peers } = fakePool();
  await using _closing = pool;
  (await pool.acquire()).release();
  await using lease = await pool.acquire();
  const reading = lease.connection.read();
  peers[0]?.say(65);
  assertEquals(await reading, Uint8Array.of(65));
});

Deno.test("acquire() takes another connection when the health check fails or throws", async () => {
  const checked: number[] = [];
  const { pool } = fakePool({
    healthCheck: ({ id }) => {
      checked.push(id);
      return id === 1 ? Promise.resolve(false) : id === 2 ? Promise.reject(new Error("broken")) : Promise.resolve(true);
    },
  });
  await using _closing = pool;
  const ids: number[] = [];
  for (let round = 0; round < 4; round++) {
    await using lease = await pool.acquire();
    ids.push(lease.connection.id);
  }
  assertEquals(ids, [1, 2, 3, 3]);
  assertEquals(checked, [1, 2, 3]);
});

Deno.test("acquire() throws a LimitError at once when all are in use and the policy is to fail", async () => {
  const { pool } = fakePool({ size: 1, overflow: "fail" });
  await using _closing = pool;
  const held = await pool.acquire();
  await assertRejects(() => pool.acquire(), LimitError, "all 1 of the pool are in use");
  held.release();
  (await pool.acquire()).release();
});

Deno.test("acquire() opens one more when all are in use and the policy is to grow, and closes it after use", async () => {
  const { pool, peers } = fakePool({ size: 1, overflow: "grow" });
  await using _closing = pool;
  const first = await pool.acquire();
  const extra = await pool.acquire();
  assertEquals(pool.stats.leased, 2);
  extra.release();
  assert(peers[1]?.isClosed);
  first.release();
  assertEquals(pool.stats, { idle: 1, leased: 0, opening: 0, waiting: 0 });
});

Deno.test("acquire() throws what connect() threw, and the next caller tries again", async () => {
  let calls = 0;
  await using pool = new ConnectionPool(() => Promise.reject(new RefusedError(`try ${++calls}`)), { size: 1 });
  const errors = await Promise.all([1, 2, 3].map(() => assertRejects(() => pool.acquire(), RefusedError)));
  assertEquals(errors.map(({ message }) => message), ["try 1", "try 2", "try 3"]);
  assertEquals(pool.stats, { idle: 0, leased: 0, opening: 0, waiting: 0 });
});

Deno.test("release() closes connections beyond the idle limit", async () => {
  const { pool, peers } = fakePool({ size: 3, maxIdle: 1 });
  await using _closing = pool;
  const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  for (const lease of leases) lease.release();
  assertEquals(peers.map(({ isClosed }) => isClosed), [false, true, true]);
});

Deno.test("release() called twice returns the connection once", async () => {
  const { pool } = fakePool();
  await using _closing = pool;
  const lease = await pool.acquire();
  lease.release();
  lease.release();
  assertEquals(pool.stats.idle, 1);
});

Deno.test("each idle connection is closed after its own idle timeout, and not before", async () => {
  using time = new FakeTime();
  const { pool } = fakePool({ idleTimeout: 1_000 });
  await using _closing = pool;
  const [older, younger] = [await pool.acquire(), await pool.acquire()];
  older.release();
  await time.advance(400);
  younger.release();
  const reasons = () => [older.connection.closeReason, younger.connection.closeReason];
  await time.advance(599);
  assertEquals(reasons(), [undefined, undefined]);
  await time.advance(1);
  assertEquals(reasons(), ["idle timeout", undefined]);
  await time.advance(399);
  assertEquals(reasons(), ["idle timeout", undefined]);
  await time.advance(1);
  assertEquals(reasons(), ["idle timeout", "idle timeout"]);
  // The timer is armed again for later callers.
  const later = await pool.acquire();
  later.release();
  await time.advance(1_000);
  assertEquals(later.connection.closeReason, "idle timeout");
});

Deno.test("use() closes the connection when the work throws", async () => {
  const { pool, peers } = fakePool();
  await using _closing = pool;
  await assertRejects(() => pool.use(() => Promise.reject(new TypeError("half done"))), TypeError);
  assert(peers[0]?.isClosed);
  assertEquals(await pool.use(({ id }) => Promise.resolve(id)), 2);
});

Deno.test("close() rejects waiting and new callers, and waits for leased connections", async () => {
  const { pool, peers } = fakePool({ size: 1 });
  const held = await pool.acquire();
  const waiting = assertRejects(() => pool.acquire(), ParleyError, "closed");
  let isDone = false;
  const closing = pool.close().then(() => isDone = true);
  await waiting;
  await assertRejects(() => pool.acquire(), ParleyError, "closed");
  assertEquals([isDone, peers[0]?.isClosed], [false, false]);
  held.release();
  await closing;
  assert(peers[0]?.isClosed);
});

Deno.test("close() closes connections that are still in use at its deadline", async () => {
  using time = new FakeTime();
  const { pool } = fakePool();
  const lease = await pool.acquire();
  const closing = pool.close(10);
  await time.advance(9);
  assertEquals(lease.connection.closeReason, undefined);
  await time.advance(1);
  await closing;
  assertEquals(lease.connection.closeReason, "drain");
  lease.release();
  await pool.close();
});

Deno.test("close() ends a connection that is being opened", async () => {
  const pool = new ConnectionPool((signal) => {
    const { promise, reject } = Promise.withResolvers<Connection>();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    return promise;
  });
  const waiting = assertRejects(() => pool.acquire(), ParleyError, "closed");
  await pool.close();
  await waiting;
});

Deno.test("ConnectionPool throws a RangeError when its size is not a whole number of 1 or more", () => {
  for (const size of [0, -1, 1.5, NaN]) {
    let error: unknown;
    try {
      new ConnectionPool(() => Promise.reject(new Error("unused")), { size });
    } catch (thrown) {
      error = thrown;
    }
    assertInstanceOf(error, RangeError);
  }
});

Deno.test("acquire() with trustFor 0 sees a peer that ended a moment ago, over real sockets", async () => {
  // The runtime's own sockets, whose close is in the kernel when it returns.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using pool = new ConnectionPool((signal) => connect(`tcp://127.0.0.1:${port}`, { signal }), {
    size: 1,
    trustFor: 0,
  });
  for (let round = 0; round < 20; round++) {
    const lease = await pool.acquire();
    const served = await listener.accept();
    await lease.connection.write(Uint8Array.of(round));
    await served.read(new Uint8Array(1));
    const { connection } = lease;
    lease.release();
    served.close();
    const next = await pool.acquire();
    assert(next.connection !== connection);
    (await listener.accept()).close();
    next.discard();
  }
});

Deno.test("use() over real sockets returns to each of many callers its own replies", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  const served: Promise<void>[] = [];
  const serving = (async () => {
    for (let conn = await listener.accept(); conn !== null; conn = await listener.accept()) served.push(echo(conn));
  })();
  await using pool = new ConnectionPool((signal) => connect(listener.endpoint, { signal }), { size: 4 });
  const answers = await Promise.all(Array.from({ length: 100 }, (_, number) =>
    pool.use(async (connection) => {
      await connection.write(Uint8Array.of(number));
      return (await connection.read())?.[0];
    })));
  assertEquals(answers, Array.from({ length: 100 }, (_, number) => number));
  assertEquals(served.length, 4);
  await pool.close();
  listener.close();
  await Promise.all([serving, ...served]);
});

async function echo(connection: Connection): Promise<void> {
  await using closing = connection;
  for (let bytes = await closing.read(); bytes !== null; bytes = await closing.read()) await closing.write(bytes);
}

/** Whether the event loop turned while `work` was done: a hand-over that waits for a timer makes it turn. */
async function turns(work: () => Promise<unknown>): Promise<boolean> {
  let hasTurned = false;
  const timer = setTimeout(() => hasTurned = true, 0);
  await work();
  clearTimeout(timer);
  return hasTurned;
}

Deno.test("use() by one caller after another waits for no timer (fault 27)", async () => {
  const { pool, peers } = fakePool({ size: 1 });
  await using _closing = pool;
  const work = async () => {
    for (let round = 0; round < 200; round++) await pool.use(() => Promise.resolve());
  };
  assertEquals([await turns(work), peers.length], [false, 1]);
});

Deno.test("2,000 callers at once are served by ten connections, and none waits for a timer (fault 27)", async () => {
  const { pool, peers } = fakePool();
  await using _closing = pool;
  let served = 0;
  const work = () => Promise.all(Array.from({ length: 2_000 }, () => pool.use(() => Promise.resolve(served++))));
  assertEquals([await turns(work), served, peers.length], [false, 2_000, 10]);
  assertEquals(pool.stats, { idle: 10, leased: 0, opening: 0, waiting: 0 });
});

Deno.test("acquire() that times out counts only pending connections as being opened (fault 27)", async () => {
  using time = new FakeTime();
  const { pool } = fakePool({ size: 2, waitTimeout: 20, healthCheck: () => new Promise<boolean>(() => {}) });
  (await pool.acquire()).release();
  const late = assertRejects(() => pool.acquire(), TimeoutError, "(0 of 2 in use, 0 being opened)");
  await time.advance(20);
  await late;
  const closing = pool.close(10);
  await time.advance(10);
  await closing;
});

Deno.test("release() closes a connection with unread bytes (fault 27)", async () => {
  const { pool, peers } = fakePool({ size: 1 });
  await using _closing = pool;
  const lease = await pool.acquire();
  lease.connection.unread(Uint8Array.of(1));
  const waiting = pool.acquire();
  lease.release();
  await using next = await waiting;
  assertEquals([next.connection.id, peers[0]?.isClosed], [2, true]);
});

Deno.test("close() of an empty pool waits for nothing", async () => {
  using time = new FakeTime();
  const pool = new ConnectionPool(() => Promise.reject(new Error("unused")), { size: 1 });
  const closing = pool.close("1h");
  // The timer of the drain would be the only one.
  assertEquals(time.timerCount, 0);
  await closing;
});
