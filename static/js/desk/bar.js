// The bar at the foot of a wall, and the keys that do the same: what is done to the selection, or to the one with the focus.
import { on } from "../dom.js";
import { isCommand } from "../hotkeys.js";
import { current, wall } from "../library.js";
import { headers, sentenceFor, UNREACHABLE } from "../requests.js";
import { toast } from "../toasts.js";
import { bringBack, departing, takeOff } from "./holes.js";
import { clear, selected } from "./selection.js";

const SHOWN = 3;

const bar = () => document.querySelector("[data-desk]");
const cellOf = (id) => document.getElementById(`p-${id}`)?.closest(".cell");
const focused = () => current()?.id.slice(2);

/** What a key is about: the selection; without one the tile that has the focus. */
const meant = () => (selected().length ? selected() : [focused()].filter(Boolean));

/** POST an action for these ids. `words` are its other fields; a list becomes several. Resolves to whether it was done. */
export async function act(action, ids, words = {}) {
  const body = new FormData();
  for (const id of ids) body.append("ids", id);
  for (const [name, value] of Object.entries(words)) for (const one of [value].flat()) body.append(name, one);
  try {
    const response = await fetch(action, { method: "POST", headers: headers({ token: true, "HX-Request": "true" }), body, redirect: "error" });
    if (response.headers.has("HX-Redirect")) { location.href = response.headers.get("HX-Redirect"); return false; }
    const said = show(await response.text());
    if (!response.ok && !said) toast(sentenceFor(response.status), { level: "error" });
    document.dispatchEvent(new CustomEvent("pictures:changed", { detail: { ids } }));
    return response.ok;
  } catch (error) {
    toast(error instanceof TypeError ? UNREACHABLE : error.message, { level: "error" });
    return false;
  }
}

/** Put the toast of an answer on the page, and let those of earlier actions go when they become many. */
function show(text) {
  const answer = new DOMParser().parseFromString(text, "text/html").querySelector("[data-toast]");
  if (!answer) return false;
  const earlier = [...document.querySelectorAll("#toasts [data-of-desk]")];
  for (const old of earlier.slice(0, Math.max(0, earlier.length - SHOWN + 1))) old.remove();
  answer.setAttribute("data-of-desk", "");
  document.getElementById("toasts").append(answer);
  window.htmx.process(answer);
  return true;
}

/** Do an action of the bar. What leaves the wall by it goes at once, and comes back when the studio refuses. */
async function perform(button, ids) {
  const leaves = button.matches("[data-leaves]");
  if (leaves) { for (const id of ids) departing.add(id); takeOff(ids); clear(); }
  const words = button.name ? { [button.name]: button.value } : {};
  if (button.dataset.with) words[button.dataset.with] = bar().elements[button.dataset.with].value;
  const done = await act(button.formAction, ids, words);
  if (!leaves) return;
  for (const id of ids) departing.delete(id);
  if (!done) bringBack(ids)[0]?.focus({ preventScroll: true });
}

on("submit", "[data-desk]", (event) => {
  const button = event.submitter;
  if (!button || button.matches("[data-native]")) return;
  event.preventDefault();
  const menu = button.closest("details[data-menu]");
  if (menu) menu.open = false;
  if (selected().length) perform(button, selected());
});

/* --- one button makes favourites, and takes them back when all are --- */

const heart = () => bar()?.querySelector("button[name=on]:not(.no-js-only)");
const areFavourites = (ids) => ids.length > 0 && ids.every((id) => cellOf(id)?.hasAttribute("data-favourite"));

function tellHeart() {
  const all = areFavourites(selected());
  const button = heart();
  if (!button) return;
  button.value = all ? "0" : "1";
  button.setAttribute("aria-pressed", String(all));
}
document.addEventListener("selection:changed", tellHeart);
document.addEventListener("tiles:read", tellHeart);

/* --- keys --- */

document.addEventListener("keydown", (event) => {
  if (!bar() || !wall() || !isCommand(event) || event.shiftKey || event.target.closest?.("details[open]")) return;
  const ids = meant();
  if (!ids.length) return;
  const find = (selector) => bar().querySelector(selector);
  const keys = {
    f: () => { const button = heart(); if (button) button.value = areFavourites(ids) ? "0" : "1"; return button; },
    Delete: () => find("[data-key=Delete]"),
    Backspace: () => find("[data-key=Delete]"),
  };
  const button = /^[0-5]$/.test(event.key) ? find(`button[name=rating][value="${event.key}"]`) : keys[event.key]?.();
  if (!button) return;
  event.preventDefault();
  perform(button, ids);
});

document.addEventListener("picture:restored", (event) => bringBack([event.detail.id])[0]?.focus());
