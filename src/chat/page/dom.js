/**
 * Small helpers on the page's elements. Nothing here, or anywhere in the page,
 * takes markup: texts of people are only ever texts.
 *
 * @module
 */

/** The element of an id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element "${id}"`);
  return found;
}

/** A new element: properties, `dataset` and `aria-` attributes, children as nodes or texts. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key === "dataset") Object.assign(element.dataset, value);
    else if (key.includes("-") || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** Puts exactly these children into an element, in this order, and moves as few as possible. */
export function arrange(parent, children) {
  let at = parent.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** A setting of this browser; private windows may refuse to keep it. */
export function recall(key) {
  try {
    return localStorage.getItem(`parley.${key}`) ?? undefined;
  } catch {
    // Not allowed here: the setting lasts as long as the page.
    return undefined;
  }
}

/** Keeps a setting. */
export function remember(key, value) {
  try {
    localStorage.setItem(`parley.${key}`, value);
  } catch {
    // As in recall().
  }
}
