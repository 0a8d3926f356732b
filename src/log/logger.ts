import { getLogger, type Logger as TapeLogger } from "@logtape/logtape";

/** Log levels in ascending order. */
export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error"] as const;

/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** The fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes log lines with a fixed context, which names the component. The library logs nothing until the program
 * configures a sink with `configureLogging()` of `log/configure.ts`, or LogTape's own `configure()` for the category
 * `["parley"]`.
 */
export class Logger {
  readonly #tape: TapeLogger;

  private constructor(tape: TapeLogger) {
    this.#tape = tape;
  }

  /** Creates a logger for `context`. */
  static of(context: string): Logger {
    return new Logger(getLogger(["parley"]).with({ context }));
  }

  /** The same logger with additional fields, for example `{ connection: 3 }`. */
  with(fields: LogFields): Logger {
    return new Logger(this.#tape.with({ ...fields }));
  }

  /** Whether this level is logged; check it before building an expensive line. */
  isEnabled(level: LogLevel): boolean {
    return this.#tape.isEnabledFor(level);
  }

  /** Logs each socket step and its bytes. */
  trace(text: string, fields?: LogFields): void {
    this.#log("trace", text, fields);
  }

  /** Logs details for diagnosis. */
  debug(text: string, fields?: LogFields): void {
    this.#log("debug", text, fields);
  }

  /** Logs normal operation. */
  info(text: string, fields?: LogFields): void {
    this.#log("info", text, fields);
  }

  /** Logs what an operator may need to look into. */
  warning(text: string, fields?: LogFields): void {
    this.#log("warning", text, fields);
  }

  /** Logs a failure on this side. */
  error(text: string, fields?: LogFields): void {
    this.#log("error", text, fields);
  }

  #log(level: LogLevel, text: string, fields: LogFields | undefined): void {
    if (!this.#tape.isEnabledFor(level)) return;
    const tape = fields === undefined ? this.#tape : this.#tape.with({ ...fields });
    // A tagged template, so that braces in the text are not taken for placeholders.
    tape[level]`${text}`;
  }
}
