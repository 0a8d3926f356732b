import { DEFAULTS } from "../../base/defaults.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { LOG_LEVELS } from "../../log/logger.ts";

/** Flags of every command that opens connections. */
export const CONNECTION_FLAGS = {
  framing: {
    type: "text",
    placeholder: "FRAMING",
    help: "line, length:4be (1, 2, 4, 8, be or le, varint), delimiter:X, fixed:N or raw (default raw)",
  },
  connectTimeout: {
    type: "duration",
    default: formatDuration(DEFAULTS.connectTimeoutMs),
    help: "for the connection to be there",
  },
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "warning", help: "least level of log lines" },
  logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "form of log lines" },
} as const satisfies FlagTable;
