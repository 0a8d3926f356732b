import { DEFAULTS } from "../base/defaults.ts";

/** Descriptors that are not for connections: the runtime's own, files, logs. */
const RESERVED_DESCRIPTORS = 64;

/**
 * Maximum connections by default: 10,000, or the open-file limit less 64 if
 * that is smaller (half of a limit below 128). The runtime does not expose the
 * limit; `/proc` does, if the program may read it already. If it may not,
 * {@linkcode Admission.shrink} learns it from the first refusal.
 *
 * @param descriptorsEach How many descriptors one connection takes.
 */
export function defaultMaxConnections(
  limit: number | undefined = openFileLimit(),
  descriptorsEach = 1,
): number {
  if (limit === undefined) return DEFAULTS.maxConnections;
  const free = Math.max(limit - RESERVED_DESCRIPTORS, Math.floor(limit / 2));
  return Math.max(1, Math.min(DEFAULTS.maxConnections, Math.floor(free / descriptorsEach)));
}

/** The soft limit of open files, where it can be found out without asking for a permission. */
function openFileLimit(): number | undefined {
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
