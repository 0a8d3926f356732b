import { FaultChain } from "../../src/relay/fault_chain.ts";
import type { Direction, Ending } from "../../src/relay/faults/fault.ts";
import { parseFaults } from "../../src/relay/faults/parse_fault.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** What came out of a chain of faults. */
interface FaultOutcome {
  readonly pieces: readonly { readonly atMs: number; readonly bytes: Uint8Array<ArrayBuffer> }[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ending: Ending | undefined;
  readonly endedAtMs: number | undefined;
}

/** Options of {@linkcode runFaults}. */
interface FaultRun {
  readonly seed?: number;
  readonly connection?: number;
  readonly direction?: Direction;
  readonly isMessages?: boolean;
  /** Whether the stream is left open at its end. */
  readonly staysOpen?: boolean;
  /** Virtual time after which the outcome is looked at. */
  readonly untilMs?: number;
}

/** Sends chunks through faults, in virtual time, and returns what came out. */
export async function runFaults(
  specs: readonly string[],
  chunks: readonly Uint8Array[],
  options: FaultRun = {},
): Promise<FaultOutcome> {
  const clock = new VirtualClock();
  const pieces: { atMs: number; bytes: Uint8Array<ArrayBuffer> }[] = [];
  const ended = Promise.withResolvers<Ending>();
  let endedAtMs: number | undefined;
  let ending: Ending | undefined;
  const chain = new FaultChain({
    data(bytes) {
      pieces.push({ atMs: clock.now(), bytes: bytes.slice() });
      return Promise.resolve();
    },
    end(how) {
      endedAtMs = clock.now();
      ending = how;
      ended.resolve(how);
      return Promise.resolve();
    },
  }, {
    seed: options.seed ?? 1,
    connection: options.connection ?? 1,
    direction: options.direction ?? "to-server",
    isMessages: options.isMessages ?? false,
    clock,
  });
  chain.update(parseFaults(specs));
  void (async () => {
    for (const chunk of chunks) await chain.head.data(chunk, false);
    if (!options.staysOpen) await chain.head.end({ how: "end" });
  })();
  const { untilMs } = options;
  if (untilMs === undefined) await ended.promise;
  else await clock.delay(untilMs, new AbortController().signal);
  const outcome = { pieces: [...pieces], ending, endedAtMs };
  chain.dispose();
  return { ...outcome, bytes: await new Blob(outcome.pieces.map(({ bytes }) => bytes)).bytes() };
}

/** Bytes that encode their offset. */
export function countingBytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

/** Cuts bytes at random, the same way for the same seed. */
export function cutAtRandom(bytes: Uint8Array, random: () => number, max = 700): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + Math.floor(random() * max);
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}
