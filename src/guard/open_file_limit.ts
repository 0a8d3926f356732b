import { DEFAULTS } from "../base/defaults.ts";

/** Descriptors reserved for the runtime, files and logs. */
const RESERVED_DESCRIPTORS = 64;

/**
 * Default maximum of connections: 10,000, or the open-file limit minus 64 if that is smaller (half of a limit below
 * 128). The runtime does not expose the limit, so it is read from `/proc` if the program has permission; otherwise
 * {@linkcode Admission.shrink} adapts when descriptors run out.
 *
 * @param descriptorsEach Descriptors per connection.
 */
export function defaultMaxConnections(
  limit: number | undefined = openFileLimit(),
  descriptorsEach = 1,
): number {
  if (limit === undefined) return DEFAULTS.maxConnections;
  const free = Math.max(limit - RESERVED_DESCRIPTORS, Math.floor(limit / 2));
  return Math.max(1, Math.min(DEFAULTS.maxConnections, Math.floor(free / descriptorsEach)));
}

/** The soft limit of open files, if it can be read without a permission prompt. */
function openFileLimit(): number | undefined {
  const path = "/proc/self/limits";
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  try {
    return parseOpenFileLimit(Deno.readTextFileSync(path));
  } catch {
    // Without /proc, or in a sandbox that restricts it more than a permission query reports, the limit stays unknown.
    return undefined;
  }
}

/** Parses the soft limit of open files from `/proc/PID/limits`, proc_pid_limits(5). */
export function parseOpenFileLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)\s/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
