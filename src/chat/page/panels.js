/**
 * The columns beside the messages, which narrow screens show on demand, and
 * the light and dark of the page.
 *
 * @module
 */

import { byId, recall, remember } from "./dom.js";

/** In the order in which the button goes through them. */
const THEMES = /** @type {const} */ (["auto", "light", "dark"]);

/** Makes the buttons of the columns work; `close()` hides what lies over the messages. */
export function setUpPanels() {
  setUpTheme();
  const narrow = matchMedia("(max-width: 960px)");
  const isPeopleShown = () => document.body.classList.contains(narrow.matches ? "people-over" : "people-beside");
  const showState = () => {
    byId("show-side").setAttribute("aria-expanded", String(document.body.classList.contains("side-over")));
    byId("show-people").setAttribute("aria-expanded", String(isPeopleShown()));
    byId("veil").hidden = !document.body.classList.contains("side-over") &&
      !document.body.classList.contains("people-over");
  };
  const close = () => {
    document.body.classList.remove("side-over", "people-over");
    showState();
  };
  document.body.classList.toggle("people-beside", recall("people") !== "hidden");
  byId("show-side").addEventListener("click", () => {
    document.body.classList.toggle("side-over");
    showState();
    byId("side").querySelector(".current")?.closest("button")?.focus();
  });
  byId("show-people").addEventListener("click", () => {
    document.body.classList.toggle(narrow.matches ? "people-over" : "people-beside");
    if (!narrow.matches) remember("people", isPeopleShown() ? "shown" : "hidden");
    showState();
  });
  byId("hide-people").addEventListener("click", close);
  byId("veil").addEventListener("click", close);
  narrow.addEventListener("change", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !byId("veil").hidden) close();
  });
  showState();
  return { close };
}

function setUpTheme() {
  const button = byId("theme");
  let theme = THEMES.find((name) => name === recall("theme")) ?? "auto";
  const show = () => {
    document.documentElement.dataset.theme = theme;
    const words = `Appearance: ${theme === "auto" ? "automatic" : theme}`;
    button.setAttribute("aria-label", words);
    button.title = words;
  };
  show();
  button.addEventListener("click", () => {
    theme = THEMES[THEMES.indexOf(theme) + 1] ?? "auto";
    remember("theme", theme);
    show();
  });
}
