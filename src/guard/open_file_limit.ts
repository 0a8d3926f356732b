import { DEFAULTS } from "../base/defaults.ts";

/** Descriptors that are not for connections: the runtime's own, files, logs. */
const RESERVED_DESCRIPTORS = 64;

/**
 * Default maximum of connections: 10,000, or the open-file limit less
 * 64 if that is smaller (half of a limit below 128). The runtime does not tell the limit; `/proc` does, if
 * the program may read it already. Where it may not,
 * {@linkcode Admission.shrink} learns it from the first refusal.
 */
export function defaultMaxConnections(limit: number | undefined = openFileLimit()): number {
  if (limit === undefined) return DEFAULTS.maxConnections;
  return Math.max(1, Math.min(DEFAULTS.maxConnections, Math.max(limit - RESERVED_DESCRIPTORS, Math.floor(limit / 2))));
}

/** The soft limit of open files, where it can be found out without asking for a permission. */
export function openFileLimit(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const path = "/proc/self/limits";
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  try {
    return parseOpenFileLimit(Deno.readTextFileSync(path));
  } catch {
    // The sandbox guards /proc more than a query shows: then the limit stays unknown.
    return undefined;
  }
}

/** The soft limit of open files in the text of `/proc/PID/limits`, proc_pid_limits(5). */
export function parseOpenFileLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)\s/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
