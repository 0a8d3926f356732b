import { escapeControls } from "../base/bytes.ts";

/** Escapes a peer's text for a terminal: all control characters except line ends and tabs. */
export function safeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(/[^\n\t]+/g, escapeControls);
}
