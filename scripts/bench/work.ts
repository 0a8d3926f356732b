import type { Contender, Tools } from "./contenders.ts";
import type { Prepared } from "./prepare.ts";

/** What one round says of one contender. */
export interface Sample {
  readonly rate: number;
  /** 99th percentile of a round trip, in microseconds, where the load gives one. */
  readonly p99us?: number | undefined;
  /** Processor time of the server for one of what is counted, in microseconds: it hardly minds a busy machine. */
  readonly cpuUs?: number | undefined;
  /** Part of that time that it spent in the kernel. */
  readonly kernelPart?: number | undefined;
  /** Part of the machine that programs had which do not belong to the work: where it is large, rates say little. */
  readonly others?: number | undefined;
}

/** One work, for all its contenders. */
export interface Work {
  /** Short and unique; `--only` matches it. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Whether a larger or a smaller figure is the better one. */
  readonly better: "more" | "less";
  /** How a contender that runs is loaded, or how a round starts and looks at it by itself. */
  readonly how: Load | Look;
  readonly contenders: readonly Contender[];
  /** Name of the contender that is 1.0 in the ratios. */
  readonly reference: string;
  /** Part of `--quick`. */
  readonly isQuick: boolean;
  /** The gate fails when our ratio to the reference is lower, which must not be a program of several threads. */
  readonly minRatio?: number;
}

/** A load generator against a server that runs through all rounds. */
export interface Load {
  /**
   * The load generator and its words. `PORT` and `SECONDS` in them stand for
   * the figures, `SOCKET` for the path of the contender's Unix socket.
   */
  readonly words: (contender: Contender) => readonly string[];
  /** How the server is known to be there. */
  readonly answers: "tcp" | "udp" | "unix";
  /** It is the load that is compared, so the server's processor time says nothing. */
  readonly isCompared?: boolean;
  /** Reads what the load printed. */
  readonly parse?: (printed: string) => Sample | undefined;
}

/** Starts a contender, looks, ends it. */
export interface Look {
  readonly sample: (contender: Contender, prepared: Prepared) => Promise<Sample>;
}

/** Where a contender that serves a Unix socket does so. */
export function socketPath(port: number, tools: Tools): string {
  return `${tools.scratch}/echo-${port}.sock`;
}

/** `64 B`, `1 KiB`. */
export function sizeText(size: number): string {
  return size >= 1024 && size % 1024 === 0 ? `${size / 1024} KiB` : `${size.toLocaleString("en-US")} B`;
}
