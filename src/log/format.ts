import { escapeControls, toJsonLine } from "../base/bytes.ts";
import type { LogRecord } from "./logger.ts";

/** Formats a record as one line, without the line end. */
type LogFormat = (record: LogRecord) => string;

const COLORS: Readonly<Record<string, string>> = {
  trace: "\x1b[2m",
  debug: "\x1b[36m",
  info: "\x1b[32m",
  warning: "\x1b[33m",
  error: "\x1b[31m",
};

/**
 * Text lines: `09:15:02.120 info [HTTP API] listening on tcp://127.0.0.1:8080`, then the other fields as `name=value`.
 * Data from peers is escaped, so that it cannot forge lines or send control sequences to a terminal.
 */
export function textFormat(options: { color: boolean }): LogFormat {
  return (record) => {
    const { context, ...fields } = record.fields;
    const time = new Date(record.timestamp).toISOString().slice(11, 23);
    const color = options.color ? COLORS[record.level] ?? "" : "";
    const level = color === "" ? record.level : `${color}${record.level}\x1b[0m`;
    const where = context === undefined ? "" : ` [${escapeControls(String(context))}]`;
    const rest = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${textOfValue(value)}`)
      .join("");
    return `${time} ${level}${where} ${escapeControls(record.text)}${rest}`;
  };
}

/**
 * One JSON object per line: `time` (RFC 3339), `level`, `context`, `text`, then the other fields under their own names.
 */
export const jsonFormat: LogFormat = (record) => {
  const { context, ...fields } = record.fields;
  return toJsonLine({
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    context,
    text: record.text,
    ...fields,
  }).trimEnd();
};

function textOfValue(value: unknown): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const isPlain = /^[^\s"=\p{Cc}]+$/u.test(text) && text === escapeControls(text);
  return isPlain ? text : escapeControls(JSON.stringify(text));
}
