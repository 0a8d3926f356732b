import { bigEndian, concat, escapeControls } from "../base/bytes.ts";
import { ClosedEarlyError } from "../base/errors.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Session } from "../session/session.ts";
import { CLOSE_CODE } from "../session/close_code.ts";

/** A control frame carries at most 125 bytes (RFC 6455, section 5.5), two of them the code. */
const TEXT_BYTES = 123;
/** Time limit for the peer's Close frame when its data no longer matters. */
const LEAVE_MS = 250;

const NORMAL: ReadonlySet<number> = new Set([CLOSE_CODE.normal, CLOSE_CODE.goingAway, CLOSE_CODE.none]);

/** Code and reason of the peer's Close frame as a suffix for messages; empty if there was none. */
export function closeFrameText({ closeFrame }: Pick<Session, "closeFrame">): string {
  if (closeFrame === undefined || closeFrame.code === CLOSE_CODE.none) return "";
  return ` (close code ${closeFrame.code}${closeFrame.text === "" ? "" : `: ${escapeControls(closeFrame.text)}`})`;
}

/** The error for a Close frame whose code is not 1000, 1001 or absent. */
export function abnormalClose(session: Pick<Session, "closeFrame" | "remote">): ClosedEarlyError | undefined {
  if (session.closeFrame === undefined || NORMAL.has(session.closeFrame.code)) return undefined;
  const endpoint = formatEndpoint(session.remote);
  return new ClosedEarlyError(`${endpoint} closed the WebSocket${closeFrameText(session)}`, { endpoint });
}

/**
 * Closes a session without waiting for more data: a stream immediately, a WebSocket with a closing handshake, so that
 * the server does not report an abnormal closure (1006).
 */
export async function leave(session: Pick<Session, "finish" | "close"> & { readonly kind: string }): Promise<void> {
  if (session.kind === "websocket") await session.finish("done", { timeout: LEAVE_MS });
  else session.close("done");
}

/** The payload of a Close frame: the code and a reason, truncated to fit. */
export function encodeClose(code: number, text: string): Uint8Array {
  return concat([bigEndian(code, 2), cutUtf8(text)]);
}

/** Truncated at a character boundary. */
function cutUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(TEXT_BYTES);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  return bytes.subarray(0, written);
}
