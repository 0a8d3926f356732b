/**
 * Shows the connection state: the banner above the messages, and the status under the user's name.
 *
 * @module
 */

/** @import { ConnectionState } from "./types.ts" */

import { byId } from "./dom.js";
import { counted } from "./text.js";

const WORDS = { online: "Online", connecting: "Connecting", waiting: "Offline" };

export class ConnectionView {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;

  /**
   * Shows a state, with an optional banner text.
   *
   * @param {ConnectionState} state
   * @param {string} text
   */
  show(state, text = "") {
    clearInterval(this.#countdown);
    document.body.dataset.state = state;
    byId("banner").hidden = text === "";
    byId("banner-text").textContent = text;
    byId("banner-wait").textContent = "";
    byId("retry").hidden = state !== "waiting";
    byId("me-state").textContent = WORDS[state];
  }

  /**
   * Shows a lost connection and the time until the next attempt.
   *
   * @param {{ waitMs: number, isServerLeaving: boolean }} loss
   */
  showLoss({ waitMs, isServerLeaving }) {
    this.show("waiting", isServerLeaving ? "The server is down or restarting." : "The connection is lost.");
    const endMs = performance.now() + waitMs;
    // Hidden from screen readers, which would read every second aloud.
    const showSeconds = () => {
      const seconds = Math.max(1, Math.ceil((endMs - performance.now()) / 1_000));
      byId("banner-wait").textContent = `Next try in ${counted(seconds, "second", "seconds")}`;
    };
    showSeconds();
    this.#countdown = setInterval(showSeconds, 1_000);
  }
}
