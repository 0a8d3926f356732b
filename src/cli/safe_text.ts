import { escapeControls } from "../base/bytes.ts";

/** Text of a peer for a terminal: line ends and tabs stay, every other control character is shown and not obeyed. */
export function safeText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(/[^\n\t]+/g, escapeControls);
}
