import { pause } from "../../net/wait.ts";

/** The clock of faults; tests pass a fake. */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Waits; the signal ends it early without rejecting. */
  delay(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The system clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  delay: pause,
};
