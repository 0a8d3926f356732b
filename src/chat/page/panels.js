/**
 * The columns beside the messages, which narrow screens show on demand, and
 * the light and dark of the page.
 *
 * @module
 */

import { byId, recall, remember } from "./dom.js";

/** In the order in which the button cycles through them. */
const THEMES = /** @type {const} */ (["auto", "light", "dark"]);

/** Sets up the column buttons; `close()` hides an open column. */
export function setUpPanels() {
  setUpTheme();
  const classes = document.body.classList;
  const narrow = matchMedia("(max-width: 960px)");
  /** @type {HTMLElement | undefined} */
  let opener;
  const showState = () => {
    const isOver = classes.contains("side-over") || classes.contains("people-over");
    const isPeopleShown = classes.contains(narrow.matches ? "people-over" : "people-beside");
    byId("show-side").setAttribute("aria-expanded", String(classes.contains("side-over")));
    byId("show-people").setAttribute("aria-expanded", String(isPeopleShown));
    byId("veil").hidden = !isOver;
    // Covered content must not be reachable by keyboard either.
    byId("main").inert = isOver;
  };
  /**
   * @param {"side-over" | "people-over"} name
   * @param {HTMLElement} button
   * @param {HTMLElement | null | undefined} first Gets the keyboard focus.
   */
  const open = (name, button, first) => {
    opener = button;
    classes.add(name);
    showState();
    first?.focus();
  };
  const close = () => {
    const isOver = !byId("veil").hidden;
    classes.remove("side-over", "people-over");
    showState();
    if (isOver) opener?.focus();
  };
  classes.toggle("people-beside", recall("people") !== "hidden");
  byId("show-side").addEventListener("click", () => {
    open("side-over", byId("show-side"), byId("side").querySelector(".current") ?? byId("browse"));
  });
  byId("show-people").addEventListener("click", () => {
    if (narrow.matches) return open("people-over", byId("show-people"), byId("hide-people"));
    remember("people", classes.toggle("people-beside") ? "shown" : "hidden");
    showState();
  });
  byId("hide-people").addEventListener("click", close);
  byId("veil").addEventListener("click", close);
  narrow.addEventListener("change", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
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
