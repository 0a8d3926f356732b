import { DEFAULTS } from "../../base/defaults.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { type Codec, parseFraming } from "../../framing/mod.ts";
import { LOG_LEVELS } from "../../log/logger.ts";
import type { Session } from "../../serve/session.ts";

/** Most bytes of one message that a client takes. */
const MESSAGE_BYTES = 64 * 1024 * 1024;

/** Flags of every command that opens a connection. */
export const CONNECTION_FLAGS = {
  framing: {
    type: "text",
    placeholder: "FRAMING",
    help: "line, length:4be, length:2be, delimiter:X, fixed:N or raw (default raw)",
  },
  connectTimeout: {
    type: "duration",
    default: formatDuration(DEFAULTS.connectTimeoutMs),
    help: "for the connection to be there",
  },
  logLevel: { type: "choice", choices: [...LOG_LEVELS, "off"], default: "warning", help: "least level of log lines" },
  logFormat: { type: "choice", choices: ["text", "json"], default: "text", help: "form of log lines" },
} as const satisfies FlagTable;

/** The codec that `--framing` names. */
export function codecOf({ framing }: Pick<FlagValues<typeof CONNECTION_FLAGS>, "framing">): Codec {
  // A server's line may be longer than what our own servers accept: only memory sets the limit.
  return parseFraming(framing ?? "raw", { maxBytes: MESSAGE_BYTES });
}

/** Whether what comes is messages: WebSocket's own, or those of a framing. */
export function isMessageWise(
  session: Pick<Session, "kind">,
  { framing = "raw" }: Pick<FlagValues<typeof CONNECTION_FLAGS>, "framing">,
): boolean {
  return session.kind === "websocket" || framing !== "raw";
}
