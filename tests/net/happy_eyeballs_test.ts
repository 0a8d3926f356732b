import { assert, assertEquals, assertRejects } from "@std/assert";
import { PermissionError, RefusedError, type ResolvedAddress, TimeoutError } from "@parley/parley";
import { interleave, raceAddresses } from "../../src/net/happy_eyeballs.ts";
import { FakeTime } from "../support/fake_time.ts";

const TARGET = { endpoint: "tcp://example:80", port: 80 };

function addresses(...list: string[]): ResolvedAddress[] {
  return list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

/** Dials that end when and how the test decides. */
class FakeDial {
  readonly started: string[] = [];
  readonly closed: string[] = [];
  readonly #pending = new Map<string, PromiseWithResolvers<Disposable>>();
  readonly #starts = new Map<string, PromiseWithResolvers<void>>();

  readonly dial = ({ address }: ResolvedAddress, signal: AbortSignal): Promise<Disposable> => {
    this.started.push(address);
    const result = Promise.withResolvers<Disposable>();
    this.#pending.set(address, result);
    signal.addEventListener("abort", () => result.reject(signal.reason), { once: true });
    this.#start(address).resolve();
    return result.promise;
  };

  startOf(address: string): Promise<void> {
    return this.#start(address).promise;
  }

  answer(address: string): void {
    this.#pending.get(address)?.resolve({ [Symbol.dispose]: () => void this.closed.push(address) });
  }

  fail(address: string, error: Error = new Deno.errors.ConnectionRefused("Connection refused (os error 111)")): void {
    this.#pending.get(address)?.reject(error);
  }

  #start(address: string): PromiseWithResolvers<void> {
    const start = this.#starts.get(address) ?? Promise.withResolvers<void>();
    this.#starts.set(address, start);
    return start;
  }
}

function race(fake: FakeDial, list: ResolvedAddress[], signal = new AbortController().signal, attemptDelayMs = 60_000) {
  return raceAddresses(list, TARGET, { dial: fake.dial, signal, attemptDelayMs });
}

Deno.test("interleave() alternates the families, the first address's first", () => {
  const order = (...list: string[]) => interleave(addresses(...list)).map(({ address }) => address);
  assertEquals(order("::1", "::2", "::3", "1.1.1.1"), ["::1", "1.1.1.1", "::2", "::3"]);
  assertEquals(order("1.1.1.1", "::1", "::2", "::3"), ["1.1.1.1", "::1", "::2", "::3"]);
  assertEquals(order("1.1.1.1"), ["1.1.1.1"]);
});

Deno.test("raceAddresses() tries no second address while the first has its head start", async () => {
  const fake = new FakeDial();
  const racing = race(fake, addresses("::1", "127.0.0.1"));
  fake.answer("::1");
  using _ = await racing;
  assertEquals(fake.started, ["::1"]);
});

Deno.test("raceAddresses() tries the next at once when one fails", async () => {
  const fake = new FakeDial();
  const racing = race(fake, addresses("::1", "127.0.0.1"));
  fake.fail("::1");
  await fake.startOf("127.0.0.1");
  fake.answer("127.0.0.1");
  using _ = await racing;
  assertEquals(fake.started, ["::1", "127.0.0.1"]);
});

Deno.test("raceAddresses() gives an address its whole head start when the one before it has failed", async () => {
  using time = new FakeTime();
  const fake = new FakeDial();
  const racing = race(fake, addresses("::1", "127.0.0.1", "::2"), undefined, 250);
  await time.advance(100);
  fake.fail("::1");
  await time.advance(249);
  assertEquals(fake.started, ["::1", "127.0.0.1"]);
  await time.advance(1);
  assertEquals(fake.started, ["::1", "127.0.0.1", "::2"]);
  fake.answer("::2");
  using _ = await racing;
  assertEquals(time.timerCount, 0);
});

Deno.test("raceAddresses() tries the next address in parallel to a silent one, and closes the loser", async () => {
  const fake = new FakeDial();
  const racing = race(fake, addresses("::1", "127.0.0.1"), undefined, 1);
  await fake.startOf("127.0.0.1");
  fake.answer("127.0.0.1");
  using _ = await racing;
  fake.answer("::1");
  assertEquals(fake.closed, []);
});

Deno.test("raceAddresses() closes the connection of one that answers as another has won", async () => {
  const fake = new FakeDial();
  const racing = race(fake, addresses("::1", "127.0.0.1"), undefined, 1);
  await fake.startOf("127.0.0.1");
  fake.answer("::1");
  fake.answer("127.0.0.1");
  const winner = await racing;
  assertEquals(fake.closed, ["127.0.0.1"]);
  winner[Symbol.dispose]();
});

Deno.test("raceAddresses() lists every address and its reason when none answers", async () => {
  const fake = new FakeDial();
  const racing = race(fake, addresses("::1", "127.0.0.1"));
  fake.fail("::1", Object.assign(new Error("No route to host (os error 113)"), { code: "EHOSTUNREACH" }));
  await fake.startOf("127.0.0.1");
  fake.fail("127.0.0.1");
  const error = await assertRejects(() => racing, RefusedError);
  assertEquals(
    error.message,
    "Cannot connect to tcp://example:80 ([::1]:80: no route to host, 127.0.0.1:80: connection refused)",
  );
  assertEquals(error.attempts.map(({ reason }) => reason), ["no route to host", "connection refused"]);
});

Deno.test("raceAddresses() reports a refused connection whichever address failed last", async () => {
  const fake = new FakeDial();
  const racing = race(fake, addresses("127.0.0.1", "::1"));
  fake.fail("127.0.0.1");
  await fake.startOf("::1");
  fake.fail("::1", Object.assign(new Error("Invalid argument (os error 22)"), { code: "EINVAL" }));
  const error = await assertRejects(() => racing, RefusedError);
  assertEquals(error.attempts.map(({ address }) => address), ["127.0.0.1:80", "[::1]:80"]);
});

Deno.test("raceAddresses() reports a permission error when the sandbox forbids the only address", async () => {
  const fake = new FakeDial();
  const racing = race(fake, addresses("127.0.0.1"));
  fake.fail(
    "127.0.0.1",
    new Deno.errors.NotCapable('Requires net access to "127.0.0.1:80", run again with the --allow-net flag'),
  );
  await assertRejects(() => racing, PermissionError, "run again with --allow-net=127.0.0.1:80");
});

Deno.test("raceAddresses() ends with the signal's reason", async () => {
  const fake = new FakeDial();
  const stop = new AbortController();
  const racing = race(fake, addresses("::1"), stop.signal);
  stop.abort(new TimeoutError("connect", "too late"));
  await assertRejects(() => racing, TimeoutError, "too late");
  await assertRejects(() => race(fake, addresses("::1"), stop.signal), TimeoutError, "too late");
  assert(fake.started.length === 1);
});

Deno.test("raceAddresses() closes a connection that opens in the turn of the abort (fault 23)", async () => {
  const fake = new FakeDial();
  const aborter = new AbortController();
  const racing = race(fake, addresses("127.0.0.1"), aborter.signal);
  await fake.startOf("127.0.0.1");
  fake.answer("127.0.0.1");
  aborter.abort(new Error("enough"));
  await assertRejects(() => racing, Error, "enough");
  assertEquals(fake.closed, ["127.0.0.1"]);
});
