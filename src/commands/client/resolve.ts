import { toJsonLine } from "../../base/bytes.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import { print } from "../../cli/print.ts";
import { resolve } from "../../net/resolve.ts";
import { rejectMore } from "../arguments.ts";

const FLAGS = {
  timeout: {
    type: "duration",
    default: formatDuration(DEFAULTS.resolveTimeoutMs),
    help: "maximum time for the resolver",
  },
  json: { type: "boolean", help: "print one JSON object" },
} as const satisfies FlagTable;

/** `parley-client resolve`. */
export const resolveCommand = defineCommand({
  usage: "HOST",
  examples: [
    { words: "resolve --json db.internal", does: "as JSON, with the family of each" },
  ],
  flags: FLAGS,
  notes: "Uses the system's resolver: the hosts file and DNS, like other programs.",
  async run({ flags, args, io }) {
    const [host, ...more] = args;
    if (host === undefined || host === "") throw new UsageError("the host name is missing");
    rejectMore(more);
    using stop = io.stop.listen();
    const addresses = await resolve(host, { timeout: flags.timeout, signal: stop.signal });
    if (flags.json) await print(io, toJsonLine({ ok: true, host, addresses }));
    else await print(io, addresses.map(({ address }) => `${address}\n`).join(""));
    return EXIT.done;
  },
});
