import { explainSink } from "./explain.ts";
import { jsonFormat, textFormat } from "./format.ts";
import { LOG_LEVELS, type LogLevel, setLogTarget } from "./logger.ts";

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
  const format = options.format === "json" ? jsonFormat : textFormat({ color: options.color });
  const minimum = options.level === "off" ? Infinity : LOG_LEVELS.indexOf(options.level);
  const isWritten = (level: LogLevel) => LOG_LEVELS.indexOf(level) >= minimum;
  const explain = options.explain ? explainSink(options.write) : undefined;
  setLogTarget({
    isOfApplication: false,
    isEnabled: (level) => explain !== undefined || isWritten(level),
    write(record) {
      if (isWritten(record.level)) options.write(`${format(record)}\n`);
      explain?.(record);
    },
  });
}
