import type { ProgramIo } from "../cli/io.ts";
import { configureLogging, type LoggingOptions } from "../log/configure.ts";

/** Log lines of a program go to standard error. */
export function configureProgramLogging(
  flags: { logLevel: LoggingOptions["level"]; logFormat: LoggingOptions["format"]; trace?: boolean; explain?: boolean },
  io: ProgramIo,
): void {
  configureLogging({
    level: flags.trace ? "trace" : flags.logLevel,
    format: flags.logFormat,
    explain: flags.explain ?? false,
    color: io.mayColor && io.stderr.isTerminal,
    write: (line) => io.stderr.write(line),
  });
}
