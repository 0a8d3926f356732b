/** The used part of @sinonjs/fake-timers, which has no types. */
export interface FakeClock {
  tickAsync(milliseconds: number): Promise<number>;
  jump(milliseconds: number): number;
  countTimers(): number;
  uninstall(): void;
}

export function install(config: { toFake: string[]; now?: number; shouldClearNativeTimers?: boolean }): FakeClock;
