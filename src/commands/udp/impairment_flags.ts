import { messageOf, UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { parseBitRate, parseShare } from "../../base/rates.ts";
import { Impairment, type ImpairmentOptions, MAX_QUEUED } from "../../datagram/impairment.ts";

/** Flags of a simulated bad network. */
export const IMPAIRMENT_FLAGS = {
  drop: { type: "text", placeholder: "SHARE", help: "drop this share of the datagrams, for example 5%" },
  dup: { type: "text", placeholder: "SHARE", help: "deliver this share twice" },
  reorder: { type: "text", placeholder: "SHARE", help: "hold this share back until the client's next datagram" },
  corrupt: { type: "text", placeholder: "SHARE", help: "flip one bit in this share" },
  delay: { type: "duration", help: "delay each datagram by TIME" },
  jitter: { type: "duration", help: "vary the delay by up to TIME in both directions" },
  rate: { type: "text", placeholder: "RATE", help: "limit the bandwidth, for example 1Mbit; further datagrams queue" },
  maxQueue: {
    type: "integer",
    min: 1,
    default: MAX_QUEUED,
    help: "maximum datagrams that are delayed at a time",
  },
  seed: { type: "integer", max: 0xffff_ffff, default: 1, help: "same seed, same effect on the same datagrams" },
} as const satisfies FlagTable;

/** How the flags work, for `--help`. */
export const IMPAIRMENT_NOTES = [
  "The effect on a datagram depends on --seed, the client's number in the order of arrival, the direction and the",
  "datagram's number, not on time. A datagram held back by --reorder is delivered after the client's next one, or",
  "after 100 ms if there is none; it counts as reordered only if it was overtaken.",
];

/** The impairment that the flags ask for, if any. */
export function impairmentOf(
  flags: FlagValues<typeof IMPAIRMENT_FLAGS>,
  direction: ImpairmentOptions["direction"] = "to-target",
): Impairment | undefined {
  const share = (name: "drop" | "dup" | "reorder" | "corrupt") => {
    const text = flags[name];
    return text === undefined ? 0 : parsed(name, () => parseShare(text));
  };
  const { rate, delay = 0, jitter = 0, seed, maxQueue } = flags;
  const shares = { drop: share("drop"), dup: share("dup"), reorder: share("reorder"), corrupt: share("corrupt") };
  const bitsPerSecond = rate === undefined ? undefined : parsed("rate", () => parseBitRate(rate));
  const isIdle = [...Object.values(shares), delay, jitter].every((amount) => amount === 0);
  if (isIdle && bitsPerSecond === undefined) return undefined;
  return new Impairment({
    ...shares,
    delayMs: delay,
    jitterMs: jitter,
    bitsPerSecond,
    seed,
    direction,
    maxQueued: maxQueue,
  });
}

function parsed<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(`--${flag}: ${messageOf(error)}`, { cause: error });
  }
}
