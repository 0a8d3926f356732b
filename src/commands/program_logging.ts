import { type FlagTable, inGroup } from "../base/flag_spec.ts";
import type { ProgramIo } from "../cli/io.ts";
import { configureLogging, type LoggingOptions } from "../log/configure.ts";
import { LOG_LEVELS, type LogLevel } from "../log/logger.ts";

/** Logging flags of all commands; a server logs more by default than a client. */
export function logFlags<const L extends LogLevel>(level: L) {
  return inGroup(
    "Logging",
    {
      logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: level, help: "minimum log level" },
      logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "log format" },
    } as const satisfies FlagTable,
  );
}

/** Logging flags of the commands that open streams, which can be traced. */
export function streamLogFlags<const L extends LogLevel>(level: L) {
  return {
    ...inGroup(
      "Logging",
      {
        trace: { type: "boolean", help: "log every socket step with a hex dump: the same as --log-level trace" },
      } as const satisfies FlagTable,
    ),
    ...logFlags(level),
  };
}

/** The flags of {@linkcode logFlags} and {@linkcode streamLogFlags}. */
export interface ProgramLogFlags {
  readonly logLevel: LoggingOptions["level"];
  readonly logFormat: "text" | "json";
  readonly trace?: boolean;
  readonly explain?: boolean;
}

/** Log lines of a program go to standard error, or to `write`. */
export function configureProgramLogging(
  flags: ProgramLogFlags,
  io: ProgramIo,
  write = (line: string) => io.stderr.write(line),
): void {
  configureLogging({
    level: flags.trace ? "trace" : flags.logLevel,
    format: flags.logFormat,
    explain: flags.explain ?? false,
    color: io.mayColor && io.stderr.isTerminal,
    write,
  });
}
