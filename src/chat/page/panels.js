/**
 * The columns beside the messages, which narrow screens show on demand, and
 * the light and dark of the page.
 *
 * @module
 */

import { byId, recall, remember } from "./dom.js";

const THEMES = { auto: "automatic", light: "light", dark: "dark" };

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
    byId("side").querySelector("button.current, button")?.focus();
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
  const names = Object.keys(THEMES);
  const show = (name) => {
    document.documentElement.dataset.theme = name;
    button.setAttribute("aria-label", `Appearance: ${THEMES[name]}`);
    button.title = `Appearance: ${THEMES[name]}`;
  };
  const stored = recall("theme");
  show(names.includes(stored) ? stored : "auto");
  button.addEventListener("click", () => {
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    remember("theme", next);
    show(next);
  });
}
