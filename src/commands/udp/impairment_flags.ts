import { orUsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { parseBitRate, parseShare } from "../../base/rates.ts";
import { MAX_QUEUED } from "../../datagram/impairment.ts";
import { datagramFaultType } from "../../relay/datagram_faults.ts";
import type { Fault } from "../../relay/faults/fault.ts";
import { type FaultScope, readAttributes } from "../../relay/faults/parse_fault.ts";

/** Flags of a simulated bad network. */
export const IMPAIRMENT_FLAGS = {
  drop: { type: "text", placeholder: "SHARE", help: "drop this share of the datagrams, such as 5%" },
  dup: { type: "text", placeholder: "SHARE", help: "deliver this share twice" },
  reorder: { type: "text", placeholder: "SHARE", help: "hold this share back until the client's next datagram" },
  corrupt: { type: "text", placeholder: "SHARE", help: "flip one bit in this share" },
  delay: { type: "duration", help: "delay each datagram by TIME" },
  jitter: { type: "duration", help: "vary the delay by up to TIME in both directions" },
  rate: { type: "text", placeholder: "RATE", help: "limit the bandwidth, such as 1Mbit" },
  maxQueue: {
    type: "integer",
    min: 1,
    default: MAX_QUEUED,
    help: "maximum datagrams that are delayed at a time",
    group: "Limits",
  },
  seed: { type: "integer", max: 0xffff_ffff, default: 1, help: "seed for reproducible faults" },
} as const satisfies FlagTable;

/** How the flags work, for `--help`. */
export const IMPAIRMENT_NOTES = [
  "The effect on a datagram depends on --seed, the client's number in the order of arrival, the direction and the",
  "datagram's number, not on time. A datagram held back by --reorder is delivered after the client's next one, or",
  "after 100 ms if there is none; it counts as reordered only if it was overtaken.",
];

/**
 * The faults that the flags are short for: `--drop 20%` is `drop:20%`.
 *
 * @throws {UsageError} A value cannot be parsed.
 */
export function shortFaultsOf(
  flags: Omit<FlagValues<typeof IMPAIRMENT_FLAGS>, "seed" | "maxQueue">,
  scope: FaultScope,
): Fault[] {
  const faults: Fault[] = [];
  const add = (name: string, values: Record<string, unknown>) => {
    const type = datagramFaultType(name);
    faults.push({ type, name, attributes: readAttributes(type, values), ...scope });
  };
  for (const [flag, name] of SHARES) {
    const text = flags[flag];
    if (text !== undefined) add(name, { datagrams: orUsageError(() => parseShare(text), `--${flag}: `) });
  }
  const { rate, delay = 0, jitter = 0 } = flags;
  if (rate !== undefined) add("bandwidth", { rate: orUsageError(() => parseBitRate(rate), "--rate: ") / 8 });
  if (delay > 0 || jitter > 0) add("latency", { time: delay, jitter });
  return faults;
}

const SHARES = [["drop", "drop"], ["corrupt", "corrupt"], ["dup", "duplicate"], ["reorder", "reorder"]] as const;
