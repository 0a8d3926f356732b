import { toJsonLine } from "../../base/bytes.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { ParleyError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import { print } from "../../cli/print.ts";
import { findFreePort } from "../../net/find_free_port.ts";
import { resolve } from "../../net/resolve.ts";
import { rejectMore } from "../arguments.ts";

/** Attempts per requested port, because the system may return one twice. */
const TRIES = 20;

const FLAGS = {
  count: { type: "integer", short: "n", default: 1, min: 1, max: 1_000, help: "number of ports" },
  host: { type: "text", placeholder: "ADDRESS", default: DEFAULTS.host, help: "local address" },
  udp: { type: "boolean", help: "UDP instead of TCP" },
  json: { type: "boolean", help: "print one JSON object" },
} as const satisfies FlagTable;

/** `parley-client free-port`. */
export const freePortCommand = defineCommand({
  usage: "",
  examples: [
    { words: "free-port --count 3 --host 0.0.0.0", does: "three ports that are free on all IPv4 interfaces" },
  ],
  flags: FLAGS,
  notes:
    "Another program may take the port before it is used. Prefer a server that listens on port 0 and reports its port.",
  async run({ flags, args, io }) {
    rejectMore(args);
    using stop = io.stop.listen();
    const [{ address: host } = { address: flags.host }] = await resolve(flags.host, { signal: stop.signal });
    const ports = new Set<number>();
    const transport = flags.udp ? "udp" : "tcp";
    for (let tries = 0; ports.size < flags.count && tries < flags.count * TRIES; tries++) {
      ports.add(findFreePort({ host, transport }));
    }
    const found = [...ports];
    if (found.length < flags.count) {
      throw new ParleyError(`Cannot find ${flags.count} free ports: found only ${found.length}`);
    }
    if (flags.json) await print(io, toJsonLine({ ok: true, host: flags.host, transport, ports: found }));
    else await print(io, found.map((port) => `${port}\n`).join(""));
    return EXIT.done;
  },
});
