import { missingPermission, PermissionError, UsageError } from "../../base/errors.ts";

/** The first inherited descriptor: SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST_DESCRIPTOR = 3;
const ENDPOINT = /^((?:tcp|tls|wss?):\/\/)?systemd(?::(\D[^/?]*)?)?([/?].*)?$/i;

/** Whether an endpoint stands for sockets that systemd passes. */
export function namesSystemdSockets(endpoint: string): boolean {
  return ENDPOINT.test(endpoint);
}

/**
 * Replaces `systemd`, `systemd:NAME`, `ws://systemd:NAME/path` and so on by the inherited descriptors:
 * all of them, or those of a name (`FileDescriptorName=`).
 *
 * @throws {UsageError} No socket was passed to this process, or none of that name.
 */
export function expandSystemdSockets(endpoints: readonly string[]): string[] {
  return endpoints.flatMap((endpoint) => {
    const found = ENDPOINT.exec(endpoint);
    if (found === null) return [endpoint];
    const [, scheme = "", name, path = ""] = found;
    const names = passedNames(endpoint);
    const matching = names.flatMap((each, index) => name === undefined || each === name ? [index] : []);
    if (matching.length === 0) {
      throw new UsageError(`Cannot listen on ${endpoint}: the sockets are named ${names.join(", ")} (LISTEN_FDNAMES)`);
    }
    return matching.map((index) => `${scheme}fd:${FIRST_DESCRIPTOR + index}${path}`);
  });
}

/** The name of each socket that was passed to this process. */
function passedNames(endpoint: string): string[] {
  const [pid, count = "", names] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"].map((name) =>
    variable(name, endpoint)
  );
  if (pid === undefined || !/^[1-9]\d{0,3}$/.test(count)) {
    throw new UsageError(
      `Cannot listen on ${endpoint}: no sockets were passed (LISTEN_PID and LISTEN_FDS are not set)`,
    );
  }
  if (Number(pid) !== Deno.pid) {
    throw new UsageError(
      `Cannot listen on ${endpoint}: the sockets were passed to process ${pid}, and this is ${Deno.pid}`,
    );
  }
  const given = names?.split(":") ?? [];
  return Array.from({ length: Number(count) }, (_, index) => given[index] ?? "unknown");
}

function variable(name: string, endpoint: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    const flag = missingPermission("--allow-env=LISTEN_PID,LISTEN_FDS,LISTEN_FDNAMES");
    throw new PermissionError(`Cannot listen on ${endpoint}: ${flag}`, { cause });
  }
}
