/** Log levels in ascending order. */
export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error"] as const;

/** One of {@linkcode LOG_LEVELS}. */
export type LogLevel = typeof LOG_LEVELS[number];

/** The fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A log line before formatting. */
export interface LogRecord {
  readonly level: LogLevel;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly text: string;
  /** The logger's `context` and all other fields. */
  readonly fields: LogFields;
}

/** Receives the log lines of the whole program. */
interface LogTarget {
  isEnabled(level: LogLevel): boolean;
  write(record: LogRecord): void;
}

/** The target of the library, which an application may configure itself at any time. */
interface LibraryTarget extends LogTarget {
  /** Whether the application has configured it: then no other target may take its place. */
  readonly isOfApplication: boolean;
}

let target: LogTarget | undefined;
let library: LibraryTarget | undefined;

/**
 * Sends the log lines of the whole program to `to`.
 *
 * @throws {TypeError} The application has already configured LogTape itself.
 */
export function setLogTarget(to: LogTarget): void {
  if (library?.isOfApplication) {
    throw new TypeError(
      'Cannot configure logging: the application has configured LogTape itself; give the category "parley" a sink there',
    );
  }
  target = to;
}

/** Sends the log lines to the library's target, until another is set and whenever the application has configured it. */
export function setLibraryTarget(to: LibraryTarget): void {
  library = to;
}

function currentTarget(): LogTarget | undefined {
  return target === undefined || library?.isOfApplication ? library : target;
}

/**
 * Writes log lines with a fixed context, which names the component. The library logs nothing until the program
 * configures a sink with `configureLogging()`, or LogTape's own `configure()` for the category `["parley"]`.
 */
export class Logger {
  readonly #fields: LogFields;

  private constructor(fields: LogFields) {
    this.#fields = fields;
  }

  /** Creates a logger for `context`. */
  static of(context: string): Logger {
    return new Logger({ context });
  }

  /** The same logger with additional fields, for example `{ connection: 3 }`. */
  with(fields: LogFields): Logger {
    return new Logger({ ...this.#fields, ...fields });
  }

  /** Whether this level is logged; check it before building an expensive line. */
  isEnabled(level: LogLevel): boolean {
    return currentTarget()?.isEnabled(level) ?? false;
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
    const target = currentTarget();
    if (target === undefined || !target.isEnabled(level)) return;
    try {
      target.write({ level, timestamp: Date.now(), text, fields: { ...this.#fields, ...fields } });
    } catch {
      // A failing log, such as a closed standard error, must not stop the program.
    }
  }
}
