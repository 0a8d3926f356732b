import { jsonFormat, textFormat } from "./format.ts";
import { LOG_LEVELS, type LogLevel, type LogRecord, setLogTarget } from "./logger.ts";

/** Options of {@linkcode configureLogging}. */
export interface LoggingOptions {
  /** The minimum level that is written; `"off"` writes nothing. */
  level: LogLevel | "off";
  /**
   * Text, or one JSON object per line.
   *
   * @default {"text"}
   */
  format?: "text" | "json";
  /**
   * Whether the text format may use colours.
   *
   * @default {false}
   */
  color?: boolean;
  /**
   * Receives each line, with its line end.
   *
   * @default {to standard error}
   */
  write?: (line: string) => void;
  /**
   * For newcomers: also explain each step on a socket.
   *
   * @default {false}
   */
  explain?: boolean;
}

/**
 * Sends the log lines of the whole program to `options.write`; a later call replaces an earlier one. Without it, they
 * go to LogTape, category `parley`, if the application configures that, and otherwise nowhere.
 *
 * @example The lines of one server
 * ```ts
 * import { configureLogging } from "@parley/parley";
 * import { serve } from "@parley/parley/server";
 * import { assertStringIncludes } from "@std/assert";
 *
 * let log = "";
 * configureLogging({ level: "info", write: (line) => log += line });
 * await using server = await serve("tcp://127.0.0.1:0", () => {}, { context: "orders" });
 * assertStringIncludes(log, `info [orders] listening on ${server.endpoint}`);
 * ```
 *
 * @throws {TypeError} The application has already configured LogTape itself.
 */
export function configureLogging(options: LoggingOptions): void {
  const { level: lowest, color = false, write = (line) => console.error(line.trimEnd()) } = options;
  const format = options.format === "json" ? jsonFormat : textFormat({ color });
  const minimum = lowest === "off" ? Infinity : LOG_LEVELS.indexOf(lowest);
  const isWritten = (level: LogLevel) => LOG_LEVELS.indexOf(level) >= minimum;
  const explain = options.explain ? explainSink(write) : undefined;
  setLogTarget({
    isEnabled: (level) => explain !== undefined || isWritten(level),
    write(record) {
      if (isWritten(record.level)) write(`${format(record)}\n`);
      explain?.(record);
    },
  });
}

/** The steps of a program on a socket, explained. */
const EXPLANATIONS = {
  resolve: "looks up the addresses of a name (getaddrinfo)",
  socket: "creates a socket: one end of a connection, with no address yet",
  bind: "assigns a local address and port to the socket; port 0 lets the kernel pick one",
  listen: "lets clients connect; the backlog limits how many wait to be accepted",
  accept: "takes the next client from the queue, with a new socket for its connection",
  connect: "opens a connection; TCP takes three packets: SYN, SYN-ACK, ACK",
  handshake: "agrees on keys with the peer and checks its certificate (TLS)",
  send: "passes bytes to the kernel, which sends them; success does not mean that they arrived",
  receive: "takes received bytes; one read may return part of a message, or several",
  "half-close": "ends this side of the stream (FIN); the peer may continue to send",
  end: "the peer has ended its side of the stream",
  close: "closes the socket and frees its descriptor",
} as const;

/** One of {@linkcode EXPLANATIONS}. */
type Step = keyof typeof EXPLANATIONS;

/** For newcomers: a sink that explains each step in one line when a connection or a listener first takes it. */
function explainSink(write: (line: string) => void): (record: LogRecord) => void {
  const explained = new Set<string>();
  return ({ fields: { step } }) => {
    if (typeof step !== "string" || !(step in EXPLANATIONS) || explained.has(step)) return;
    explained.add(step);
    write(`  ${step.padEnd(10)} ${EXPLANATIONS[step as Step]}\n`);
  };
}
