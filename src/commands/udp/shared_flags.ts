import type { FlagTable } from "../../base/flag_spec.ts";
import { LOG_LEVELS } from "../../log/logger.ts";

/** Flags that every command of `parley-udp` which talks has. */
export const LOG_FLAGS = {
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "warning", help: "least level of log lines" },
  logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "form of log lines" },
} as const satisfies FlagTable;

/** Flags that every command of `parley-udp` which serves has. */
export const SERVE_FLAGS = {
  printEndpoint: { type: "boolean", help: "print each endpoint on standard output once datagrams are received" },
  readyFile: { type: "text", placeholder: "FILE", help: "write the endpoints to FILE once datagrams are received" },
  maxDatagrams: { type: "integer", least: 1, help: "end after N datagrams have come" },
  maxBytes: { type: "size", default: "65507", help: "a longer datagram is dropped and counted as truncated" },
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "info", help: "least level of log lines" },
  logFormat: LOG_FLAGS.logFormat,
} as const satisfies FlagTable;
