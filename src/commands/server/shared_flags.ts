import { LOG_LEVELS } from "../../log/logger.ts";
import type { FlagTable } from "../../base/flag_spec.ts";

/** Flags that every service of `parley-server` has. */
export const SHARED_FLAGS = {
  framing: { type: "text", placeholder: "FRAMING", help: "line, length:4be, length:2be, delimiter:X, fixed:N or raw" },
  idleTimeout: { type: "duration", help: "close a client that neither sends nor receives for TIME" },
  maxLifetime: { type: "duration", help: "close a client TIME after it came" },
  maxAccepts: { type: "integer", least: 1, help: "end after N connections" },
  printEndpoint: { type: "boolean", help: "print each endpoint on standard output once connections are accepted" },
  readyFile: { type: "text", placeholder: "FILE", help: "write the endpoints to FILE once connections are accepted" },
  drainTimeout: { type: "duration", default: "10s", help: "at the end, wait TIME for the clients to finish" },
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "info", help: "least level of log lines" },
  logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "form of log lines" },
} as const satisfies FlagTable;
