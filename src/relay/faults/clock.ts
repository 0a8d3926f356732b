import { delay } from "../../net/wait.ts";

/** Time as faults see it; a test gives one that it moves by hand. */
export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Waits; the signal ends it early. It does not reject. */
  delay(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The system's. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  delay: (milliseconds, signal) => delay(milliseconds, signal).catch(ignoreAbort),
};

function ignoreAbort(): void {}
