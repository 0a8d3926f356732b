import { configureSync } from "@logtape/logtape";
import { jsonFormat, textFormat } from "./format.ts";
import type { LogLevel } from "./logger.ts";

/** Where log lines go and how they look. */
export interface LoggingOptions {
  /** The least level that is written; `"off"` writes nothing. */
  level: LogLevel | "off";
  /** Lines for people, or one JSON object a line. */
  format: "text" | "json";
  /** Whether the text format may use colours. */
  color: boolean;
  /** Receives each line, with its line end. */
  write: (line: string) => void;
}

/** Sends the log lines of the whole program to `options.write`; a later call replaces an earlier one. */
export function configureLogging(options: LoggingOptions): void {
  const format = options.format === "json" ? jsonFormat : textFormat({ color: options.color });
  configureSync({
    reset: true,
    sinks: { program: (record) => options.write(`${format(record)}\n`) },
    loggers: [
      { category: ["parley"], sinks: ["program"], lowestLevel: options.level === "off" ? null : options.level },
      // LogTape's notes about itself; a sink that fails must still be heard of.
      { category: ["logtape", "meta"], sinks: ["program"], lowestLevel: "error" },
    ],
  });
}
