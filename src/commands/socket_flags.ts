import { UsageError } from "../base/errors.ts";
import { type FlagTable, type FlagValues, inGroup } from "../base/flag_spec.ts";
import { parseDuration } from "../base/units.ts";
import type { KeepAlive, SocketOptionValues } from "../net/sockopt/socket_options.ts";

/** Flags for socket options that need `--allow-ffi`. */
export const SOCKET_FLAGS = inGroup(
  "Socket",
  {
    receiveBuffer: { type: "size", help: "size of the kernel's receive buffer (needs --allow-ffi)" },
    sendBuffer: { type: "size", help: "size of the kernel's send buffer (needs --allow-ffi)" },
    keepAlive: {
      type: "text",
      placeholder: "IDLE,INTERVAL,COUNT",
      help: "TCP keep-alive, as in 60s,10s,5; off disables it (needs --allow-ffi)",
    },
    userTimeout: {
      type: "duration",
      help: "give up when sent data is not acknowledged for TIME (needs --allow-ffi)",
    },
  } as const satisfies FlagTable,
);

/** Socket options from the flags; `undefined` without any, so that nothing is loaded. */
export function socketOptionsOf(flags: Partial<FlagValues<typeof SOCKET_FLAGS>>): SocketOptionValues | undefined {
  const { receiveBuffer, sendBuffer, userTimeout } = flags;
  const values = { receiveBuffer, sendBuffer, userTimeout, keepAlive: parseKeepAlive(flags.keepAlive) };
  return Object.values(values).every((value) => value === undefined) ? undefined : values;
}

function parseKeepAlive(text: string | undefined): KeepAlive | false | undefined {
  if (text === undefined) return undefined;
  if (text === "off") return false;
  const [idle, interval, count, ...more] = text.split(",");
  if (idle === undefined || interval === undefined || !/^[1-9]\d*$/.test(count ?? "") || more.length > 0) {
    throw new UsageError(`--keep-alive: Cannot use "${text}": expected off, or IDLE,INTERVAL,COUNT as in 60s,10s,5`);
  }
  return { idle: wholeSeconds(idle), interval: wholeSeconds(interval), count: Number(count) };
}

function wholeSeconds(text: string): number {
  const seconds = parseDuration(text) / 1_000;
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new UsageError(`--keep-alive: Cannot use "${text}": the kernel counts whole seconds`);
  }
  return seconds;
}
