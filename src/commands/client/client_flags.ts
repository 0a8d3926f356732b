import { DEFAULTS } from "../../base/defaults.ts";
import { type FlagTable, inGroup } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { logFlags } from "../program_logging.ts";

/** Flags of every command that opens connections. */
export const CONNECTION_FLAGS = {
  ...inGroup("Framing", {
    framing: {
      type: "text",
      placeholder: "FRAMING",
      help: "line, length:4be (1, 2, 4, 8, be or le, varint), delimiter:X, fixed:N or raw (default raw)",
    },
  }),
  ...inGroup("Connection", {
    connectTimeout: {
      type: "duration",
      default: formatDuration(DEFAULTS.connectTimeoutMs),
      help: "maximum time to connect",
    },
  }),
  ...logFlags("warning"),
} as const satisfies FlagTable;
