import { escapeControls } from "../../base/bytes.ts";
import type { Session } from "../../serve/session.ts";

/** What the peer's WebSocket Close frame said, to be put behind a message; empty where there was none, or nothing in it. */
export function peerEndText({ peerEnd }: Pick<Session, "peerEnd">): string {
  // 1005 stands for a Close frame without a code (RFC 6455, section 7.4.1).
  if (peerEnd === undefined || peerEnd.code === 1005) return "";
  return ` (close code ${peerEnd.code}${peerEnd.text === "" ? "" : `: ${escapeControls(peerEnd.text)}`})`;
}
