/**
 * DOM helpers. Nothing in the page accepts markup: user texts are always inserted as text.
 *
 * @module
 */

/**
 * The element of an id.
 *
 * @param {string} id
 */
export function byId(id) {
  return byIdAs(id, HTMLElement);
}

/**
 * The element with an ID, which must be of a type.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byIdAs(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`The page has no ${kind.name} "${id}"`);
}

/**
 * Creates an element with properties, `dataset` and `aria-` attributes, and children as nodes or texts.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {{ readonly [property: string]: string | boolean | Readonly<Record<string, string>> | undefined }}
 *   [properties]
 * @param {(Node | string)[]} children
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key === "dataset") Object.assign(element.dataset, value);
    else if (key.includes("-") || key === "role") element.setAttribute(key, String(value));
    else Object.assign(element, { [key]: value });
  }
  element.append(...children);
  return element;
}

/**
 * Replaces the children of an element, moving as few as possible.
 *
 * @param {Node} parent
 * @param {readonly ChildNode[]} children
 */
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

/**
 * Reads a value from local or session storage, which private windows may block.
 *
 * @param {string} key
 * @param {"localStorage" | "sessionStorage"} [where]
 */
export function recall(key, where = "localStorage") {
  try {
    return globalThis[where].getItem(`parley.${key}`) ?? undefined;
  } catch {
    // Blocked: the value lasts as long as the page.
    return undefined;
  }
}

/**
 * Stores a value; `false` if storage is full or blocked.
 *
 * @param {string} key
 * @param {string} value
 * @param {"localStorage" | "sessionStorage"} [where]
 */
export function remember(key, value, where = "localStorage") {
  try {
    globalThis[where].setItem(`parley.${key}`, value);
    return true;
  } catch {
    // See recall().
    return false;
  }
}
