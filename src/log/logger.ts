import { getLogger, type Logger as TapeLogger } from "@logtape/logtape";

/** How much a log line matters, least first. */
export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error"] as const;

/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What a log line carries besides its text. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes log lines that all carry one context, the name of the part of a
 * program that owns a socket. The library writes nowhere until a program
 * configures a sink: by `configureLogging()` of `log/configure.ts`, or LogTape's own `configure()` for the
 * category `["parley"]`.
 */
export class Logger {
  readonly #tape: TapeLogger;

  private constructor(tape: TapeLogger) {
    this.#tape = tape;
  }

  /** A logger whose every line carries `context`. */
  static of(context: string): Logger {
    return new Logger(getLogger(["parley"]).with({ context }));
  }

  /** The same logger with more fields in every line, for example `{ connection: 3 }`. */
  with(fields: LogFields): Logger {
    return new Logger(this.#tape.with({ ...fields }));
  }

  /** Whether lines of this level go anywhere: ask before building a costly one. */
  isEnabled(level: LogLevel): boolean {
    return this.#tape.isEnabledFor(level);
  }

  /** Every socket step and bytes. */
  trace(text: string, fields?: LogFields): void {
    this.#log("trace", text, fields);
  }

  /** What helps to find out why. */
  debug(text: string, fields?: LogFields): void {
    this.#log("debug", text, fields);
  }

  /** What an operator wants to know. */
  info(text: string, fields?: LogFields): void {
    this.#log("info", text, fields);
  }

  /** What an operator may have to look at. */
  warning(text: string, fields?: LogFields): void {
    this.#log("warning", text, fields);
  }

  /** What went wrong on our side. */
  error(text: string, fields?: LogFields): void {
    this.#log("error", text, fields);
  }

  #log(level: LogLevel, text: string, fields: LogFields | undefined): void {
    if (!this.#tape.isEnabledFor(level)) return;
    const tape = fields === undefined ? this.#tape : this.#tape.with({ ...fields });
    // As a tagged template: braces in the text are text, never a placeholder.
    tape[level]`${text}`;
  }
}
