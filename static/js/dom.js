// Small things that several modules need.

/** Call `found(element)` for every match now and for every match that is put into the page later, once for each element. */
export function whenever(selector, found) {
  const seen = new WeakSet();
  const look = (root) => {
    const matches = root.matches?.(selector) ? [root, ...root.querySelectorAll(selector)] : root.querySelectorAll(selector);
    for (const element of matches) {
      if (seen.has(element)) continue;
      seen.add(element);
      found(element);
    }
  };
  look(document);
  new MutationObserver((records) => {
    for (const record of records) for (const node of record.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) look(node);
  }).observe(document.documentElement, { childList: true, subtree: true });
}

/** One delegated listener: `handle(event, match)` for an event on or inside whatever matches `selector`. */
export function on(type, selector, handle, options) {
  document.addEventListener(type, (event) => {
    const match = event.target instanceof Element ? event.target.closest(selector) : null;
    if (match) handle(event, match);
  }, options);
}

/** An icon of the sprite, as the tag `icon` of `studio/templatetags/icons.py` draws it. */
export function icon(name, size = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `i ${size}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** An element with attributes and children; a text child stays text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  element.append(...children);
  return element;
}

/** How a page scrolls by itself: at once for whoever asked for less motion. */
export const glide = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth");

let spoken;
/** Say something to a screen reader when it is done with what it is saying. */
export function announce(text) {
  const region = document.getElementById("announce");
  if (!region) return;
  clearTimeout(spoken);
  region.textContent = "";
  spoken = setTimeout(() => { region.textContent = text; }, 60);
}

/** True where a key press is text: the studio's single keys stay silent there. */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target.matches("input") && !["checkbox", "radio", "range", "button", "submit", "reset", "file", "color"].includes(target.type);
}

/** Storage that may be full, forbidden or broken: then nothing is kept, and nothing fails. */
export const memory = {
  get(name) {
    try { return JSON.parse(sessionStorage.getItem(`atelier.${name}`)); } catch { return null; }
  },
  set(name, value) {
    try {
      if (value === null) sessionStorage.removeItem(`atelier.${name}`);
      else sessionStorage.setItem(`atelier.${name}`, JSON.stringify(value));
    } catch { /* private window, full storage */ }
  },
};
