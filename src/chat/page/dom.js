/**
 * Small helpers on the page's elements. Nothing here, or anywhere in the page,
 * takes markup: texts of people are only ever texts.
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
 * The element of an id that must be of a kind.
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
 * A new element: properties, `dataset` and `aria-` attributes, children as nodes or texts.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {{ readonly [property: string]: string | boolean | Readonly<Record<string, string>> | undefined }} [properties]
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
 * Puts exactly these children into an element, in this order, and moves as few as possible.
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
 * A setting of this browser, or what this tab kept through a reload; private windows may refuse to keep either.
 *
 * @param {string} key
 * @param {"localStorage" | "sessionStorage"} [where]
 */
export function recall(key, where = "localStorage") {
  try {
    return globalThis[where].getItem(`parley.${key}`) ?? undefined;
  } catch {
    // Not allowed here: the setting lasts as long as the page.
    return undefined;
  }
}

/**
 * Keeps a setting; `false` if there is no space for it, or none is allowed.
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
    // As in recall().
    return false;
  }
}
