import type { Contender, Tools } from "./contenders.ts";
import type { Prepared } from "./prepare.ts";

/** The figures of one contender in one round. */
export interface Sample {
  readonly rate: number;
  /** 99th percentile of a round trip, in microseconds, if the load reports one. */
  readonly p99us?: number | undefined;
  /** Processor time of the server per counted item, in microseconds; hardly affected by a busy machine. */
  readonly cpuUs?: number | undefined;
  /** Share of that time spent in the kernel. */
  readonly kernelPart?: number | undefined;
  /** Share of the machine used by unrelated programs; if it is large, rates mean little. */
  readonly others?: number | undefined;
}

/** One work, for all its contenders. */
export interface Work {
  /** Short and unique; `--only` matches it. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Whether a larger or a smaller figure is better. */
  readonly better: "more" | "less";
  /** How to load a running contender, or how a round starts and measures it itself. */
  readonly how: Load | Look;
  readonly contenders: readonly Contender[];
  /** Name of the contender that is 1.0 in the ratios. */
  readonly reference: string;
  /** Part of `--quick`. */
  readonly isQuick: boolean;
  /** The gate fails below this ratio of ours to the reference, which must be single-threaded. */
  readonly minRatio?: number;
}

/** A load generator against a server that runs through all rounds. */
export interface Load {
  /**
   * The load generator's command line. `PORT`, `SECONDS` and `SOCKET`, the contender's Unix socket, are placeholders.
   */
  readonly words: (contender: Contender) => readonly string[];
  /** How to detect that the server is ready. */
  readonly answers: "tcp" | "udp" | "unix";
  /** The load itself is compared, so the server's processor time is irrelevant. */
  readonly isCompared?: boolean;
  /** Parses the output of the load. */
  readonly parse?: (printed: string) => Sample | undefined;
}

/** Starts a contender, measures it, and ends it. */
interface Look {
  readonly sample: (contender: Contender, prepared: Prepared) => Promise<Sample>;
}

/** The path of a contender's Unix socket. */
export function socketPath(port: number, tools: Tools): string {
  return `${tools.scratch}/echo-${port}.sock`;
}

/** `64 B`, `1 KiB`. */
export function sizeText(size: number): string {
  return size >= 1024 && size % 1024 === 0 ? `${size / 1024} KiB` : `${size.toLocaleString("en-US")} B`;
}
