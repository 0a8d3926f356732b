import { configureSync, getConfig, type LogRecord, withFilter } from "@logtape/logtape";
import { explainSink } from "./explain.ts";
import { jsonFormat, textFormat } from "./format.ts";
import type { LogLevel } from "./logger.ts";

/** Options of {@linkcode configureLogging}. */
export interface LoggingOptions {
  /** The minimum level that is written; `"off"` writes nothing. */
  level: LogLevel | "off";
  /** Text, or one JSON object per line. */
  format: "text" | "json";
  /** Whether the text format may use colours. */
  color: boolean;
  /** Receives each line, with its line end. */
  write: (line: string) => void;
  /**
   * For newcomers: also explain each step on a socket.
   *
   * @default {false}
   */
  explain?: boolean;
}

/**
 * Sends the log lines of the whole program to `options.write`; a later call replaces an earlier one.
 *
 * @throws {TypeError} The application has already configured LogTape itself.
 */
export function configureLogging(options: LoggingOptions): void {
  const earlier = getConfig();
  if (earlier !== null && !("parley" in earlier.sinks)) {
    throw new TypeError(
      'Cannot configure logging: the application has configured LogTape itself; give the category "parley" a sink there',
    );
  }
  const format = options.format === "json" ? jsonFormat : textFormat({ color: options.color });
  const lowestLevel = options.level === "off" ? null : options.level;
  const parley = (record: LogRecord) => options.write(`${format(record)}\n`);
  const explain = explainSink(options.write);
  configureSync({
    reset: true,
    sinks: { parley, filtered: withFilter(parley, lowestLevel), explain },
    loggers: [
      options.explain
        ? { category: ["parley"], sinks: ["filtered", "explain"], lowestLevel: "trace" }
        : { category: ["parley"], sinks: ["parley"], lowestLevel },
      // LogTape's own messages: a failing sink must be reported.
      { category: ["logtape", "meta"], sinks: ["parley"], lowestLevel: "error" },
    ],
  });
}
