import { messageOf, UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { parseBitRate, parseShare } from "../../base/rates.ts";
import { Impairment } from "../../datagram/impairment.ts";

/** Flags of a bad network. */
export const IMPAIRMENT_FLAGS = {
  drop: { type: "text", placeholder: "SHARE", help: "lose this share of the datagrams, such as 5%" },
  dup: { type: "text", placeholder: "SHARE", help: "deliver this share twice" },
  reorder: { type: "text", placeholder: "SHARE", help: "let the next datagram overtake this share" },
  corrupt: { type: "text", placeholder: "SHARE", help: "turn one bit over in this share" },
  delay: { type: "duration", help: "hold each datagram back for TIME" },
  jitter: { type: "duration", help: "vary the delay by up to TIME, both ways" },
  rate: { type: "text", placeholder: "RATE", help: "let so many bits a second pass, such as 1Mbit; the others queue" },
  seed: { type: "integer", most: 0xffff_ffff, default: 1, help: "the same seed does the same to the same datagrams" },
} as const satisfies FlagTable;

/** The bad network that the flags ask for, or `undefined` where they ask for none. */
export function impairmentOf(flags: FlagValues<typeof IMPAIRMENT_FLAGS>, seedOffset = 0): Impairment | undefined {
  const share = (name: "drop" | "dup" | "reorder" | "corrupt") => {
    const text = flags[name];
    return text === undefined ? 0 : parsed(name, () => parseShare(text));
  };
  const { rate } = flags;
  const options = {
    drop: share("drop"),
    dup: share("dup"),
    reorder: share("reorder"),
    corrupt: share("corrupt"),
    delayMs: flags.delay ?? 0,
    jitterMs: flags.jitter ?? 0,
    bitsPerSecond: rate === undefined ? undefined : parsed("rate", () => parseBitRate(rate)),
    seed: flags.seed + seedOffset,
  };
  const { seed: _, bitsPerSecond, ...amounts } = options;
  if (bitsPerSecond === undefined && Object.values(amounts).every((amount) => amount === 0)) return undefined;
  return new Impairment(options);
}

function parsed<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(`--${flag}: ${messageOf(error)}`, { cause: error });
  }
}
