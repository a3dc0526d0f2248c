// A gallery's wall put in order: by keys, by dragging, by each picture's menu. What is shown at once is undone when the studio refuses it.
import { announce, glide, isTyping, on } from "../dom.js";
import { headers, sentenceFor, UNREACHABLE } from "../requests.js";
import { toast } from "../toasts.js";

const wall = () => document.getElementById("places");
const places = () => [...(wall()?.querySelectorAll(":scope > .place") ?? [])];
const tile = (place) => place?.querySelector(".tile");
const moves = () => wall()?.dataset.arrange;
const size = () => Number(document.querySelector("[data-size]")?.dataset.size) || places().length;
const name = (place) => tile(place).querySelector("img").alt.slice(0, 80);
const number = (place) => places().indexOf(place) + 1;

/* --- what the studio is told ---------------------------------------------------------------------------------------- */

/** POST like a form of the page. Resolves to the toast in the answer, if any; rejects with a sentence. */
async function post(url, fields) {
  const body = new URLSearchParams(fields);
  let response;
  try {
    response = await fetch(url, { method: "POST", body, headers: headers({ token: true, "HX-Request": "true" }), redirect: "error" });
  } catch {
    throw new Error(UNREACHABLE);
  }
  if (!response.ok) throw new Error(sentenceFor(response.status));
  const answer = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-toast]");
  if (answer) {
    document.getElementById("toasts").append(answer);
    window.htmx.process(answer);
  }
}

/** Tell the studio where a place stands now; put it back to `home` when it refuses. */
async function save(place, home) {
  const behind = place.previousElementSibling?.dataset.place ?? "";
  try {
    await post(moves(), { artifact: place.dataset.place, behind });
  } catch (error) {
    home.put();
    toast(error.message, { level: "error" });
    announce("It could not be moved. It is back in its old place.");
  }
}

/** Where a place stands, to be put there again. */
function homeOf(place) {
  const next = place.nextElementSibling;
  return { is: () => place.nextElementSibling === next, put: () => wall().insertBefore(place, next?.isConnected ? next : document.getElementById("further")) };
}

/* --- by keys: Space picks up, arrows move, Space drops, Escape puts back ------------------------------------------------ */

let held = null;

function pickUp(place) {
  held = { place, home: homeOf(place) };
  place.setAttribute("data-held", "key");
  announce(`Picked up ${name(place)}. It is number ${number(place)} of ${size()}. Arrows move it, Space drops it, Escape puts it back.`);
}

function drop() {
  const { place, home } = held;
  letGo();
  if (home.is()) { announce(`Dropped where it was, number ${number(place)}.`); return; }
  announce(`Dropped. It is number ${number(place)} of ${size()} now.`);
  save(place, home);
}

function putBack() {
  const { place, home } = held;
  letGo();
  home.put();
  tile(place).focus({ preventScroll: true });
  announce(`Put back. It is number ${number(place)} of ${size()}.`);
}

function letGo() {
  held.place.removeAttribute("data-held");
  held = null;
}

function carry(key) {
  const all = places();
  const { place } = held;
  const here = all.indexOf(place);
  const target = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1, ArrowUp: inNextRow(place, -1), ArrowDown: inNextRow(place, 1) }[key];
  if (target === undefined || !all[target] || target === here) return;
  if (target < here) all[target].before(place);
  else all[target].after(place);
  tile(place).focus({ preventScroll: true });
  place.scrollIntoView({ block: "nearest", behavior: glide() });
  announce(`Number ${number(place)} of ${size()}.`);
}

/** The number of the place in the row above (-1) or below (1) whose middle is nearest; from 0. */
function inNextRow(from, direction) {
  const box = from.getBoundingClientRect();
  const middle = box.left + box.width / 2;
  let best;
  places().forEach((place, index) => {
    const other = place.getBoundingClientRect();
    const rows = direction * (other.top - box.top);
    if (rows < 4) return;
    const across = Math.abs(other.left + other.width / 2 - middle);
    if (!best || rows < best.rows - 4 || (Math.abs(rows - best.rows) <= 4 && across < best.across)) best = { index, rows, across };
  });
  return best?.index;
}

function walk(key, place) {
  const all = places();
  const here = all.indexOf(place);
  const target = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1, ArrowUp: inNextRow(place, -1), ArrowDown: inNextRow(place, 1) }[key];
  return target === undefined ? null : all[target];
}

document.addEventListener("keydown", (event) => {
  if (!wall() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || isTyping(event.target)) return;
  if (held && event.key === "Escape") { event.preventDefault(); putBack(); return; }
  const place = event.target.closest?.(".tile")?.closest(".place");
  if (!place) {
    if (event.key.startsWith("Arrow") && event.target === document.body && places()[0]) { event.preventDefault(); tile(places()[0]).focus(); }
    return;
  }
  if (event.key === " " && moves()) {
    event.preventDefault();
    if (held) drop();
    else if (places().length > 1) pickUp(place);
  } else if (event.key === "Enter" && held) {
    event.preventDefault();
    drop();
  } else if (["Delete", "Backspace"].includes(event.key) && moves() && !held) {
    event.preventDefault();
    takeOut(place);
  } else if (event.key.startsWith("Arrow") || ["Home", "End"].includes(event.key)) {
    event.preventDefault();
    if (held) { carry(event.key); return; }
    const next = walk(event.key, place);
    tile(next)?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }
});
on("focusout", ".place .tile", (event) => {
  // The picture that is carried loses the focus for a moment whenever it moves; somewhere else means: leave it here.
  const { place } = held ?? {};
  if (!place || place !== event.target.closest(".place")) return;
  setTimeout(() => { if (held?.place === place && document.activeElement !== tile(place) && document.hasFocus()) drop(); });
});

/* --- by dragging: a mouse or pen takes a picture anywhere, a finger takes it at its grip --------------------------------- */

const FAR = 6, EDGE = 70;
let drag = null;

document.addEventListener("pointerdown", (event) => {
  if (!moves() || event.button || held) return;
  const grip = event.target.closest?.("[data-grip]");
  const place = event.target.closest?.(".place");
  if (!place || event.target.closest(".place-menu") || (event.pointerType === "touch" && !grip) || !place.parentElement?.dataset.arrange) return;
  drag = { place, home: homeOf(place), x: event.clientX, y: event.clientY, pointer: event.pointerId, moving: false };
  if (grip) event.preventDefault();
});

document.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.pointer) return;
  if (!drag.moving) {
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR) return;
    drag.moving = true;
    drag.place.setAttribute("data-held", "drag");
    try { wall().setPointerCapture(drag.pointer); } catch { /* the pointer is gone already */ }
    scrollAtTheEdge();
  }
  event.preventDefault();
  [drag.atX, drag.atY] = [event.clientX, event.clientY];
  follow();
});

/** Put the picture in front of or behind the one under the pointer, by the half it is over. */
function follow() {
  const under = document.elementsFromPoint(drag.atX, drag.atY).map((one) => one.closest?.(".place")).find((one) => one && one !== drag.place);
  if (!under) return;
  const box = under.getBoundingClientRect();
  const later = drag.atX > box.left + box.width / 2;
  const place = later ? under.nextElementSibling : under;
  if (place === drag.place || place?.previousElementSibling === drag.place) return;
  if (later) under.after(drag.place);
  else under.before(drag.place);
}

function scrollAtTheEdge() {
  if (!drag?.moving) return;
  const speed = drag.atY < EDGE + 56 ? -12 : drag.atY > innerHeight - EDGE ? 12 : 0;
  if (speed) { scrollBy(0, speed); follow(); }
  requestAnimationFrame(scrollAtTheEdge);
}

function endDrag(event, keep) {
  if (!drag || (event && event.pointerId !== drag.pointer)) return;
  const { place, home, moving } = drag;
  drag = null;
  if (!moving) return;
  place.removeAttribute("data-held");
  if (!keep) { home.put(); return; }
  // The click that ends a drag opens nothing.
  const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
  addEventListener("click", swallow, true);
  setTimeout(() => removeEventListener("click", swallow, true));
  if (!home.is()) {
    announce(`Dropped. It is number ${number(place)} of ${size()} now.`);
    save(place, home);
  }
}
document.addEventListener("pointerup", (event) => endDrag(event, true));
document.addEventListener("pointercancel", (event) => endDrag(event, false));
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && drag?.moving) endDrag(null, false); });
on("dragstart", ".place", (event) => { if (moves()) event.preventDefault(); });

/* --- by the menu of a picture ----------------------------------------------------------------------------------------------- */

const removed = new Map();

on("submit", "[data-place-form]", (event, form) => {
  const button = event.submitter;
  const place = form.closest(".place");
  if (!button || !place) return;
  event.preventDefault();
  form.closest("details").open = false;
  const url = button.getAttribute("formaction") || form.getAttribute("action");
  const fields = new FormData(form, button);
  const act = { front: () => toEdge(place, url, fields, true), end: () => toEdge(place, url, fields, false), earlier: () => byOne(place, -1), later: () => byOne(place, 1), remove: () => takeOut(place), cover: () => asCover(place, url, fields), approve: () => approve(place, url, fields) };
  act[button.dataset.do]?.();
});

async function toEdge(place, url, fields, front) {
  const home = homeOf(place);
  const further = document.getElementById("further");
  if (front) places()[0]?.before(place);
  else if (further) place.remove();
  else wall().append(place);
  tile(place)?.focus({ preventScroll: !place.isConnected });
  place.scrollIntoView?.({ block: "nearest", behavior: glide() });
  announce(front ? "Moved to the front." : "Moved to the end.");
  try { await post(url, fields); } catch (error) { home.put(); toast(error.message, { level: "error" }); }
}

function byOne(place, direction) {
  const home = homeOf(place);
  const other = places()[places().indexOf(place) + direction];
  if (!other) return;
  if (direction < 0) other.before(place);
  else other.after(place);
  tile(place).focus({ preventScroll: true });
  announce(`Number ${number(place)} of ${size()}.`);
  save(place, home);
}

async function takeOut(place) {
  const all = places();
  const next = all[all.indexOf(place) + 1] ?? all[all.indexOf(place) - 1];
  const hole = document.createComment(place.id);
  place.replaceWith(hole);
  tile(next)?.focus({ preventScroll: true });
  removed.set(place.dataset.place, { place, hole });
  resize(-1);
  const form = place.querySelector("[data-place-form]");
  try {
    await post(form.querySelector("[data-do=remove]").getAttribute("formaction"), new FormData(form));
  } catch (error) {
    bringBack(place.dataset.place);
    toast(error.message, { level: "error" });
  }
}

function bringBack(id) {
  const gone = removed.get(id);
  if (!gone) return;
  removed.delete(id);
  const there = document.getElementById(gone.place.id); // the news was quicker
  if (there) { gone.hole.remove(); tile(there).focus(); return; }
  resize(1);
  if (gone.hole.isConnected) gone.hole.replaceWith(gone.place);
  else wall().prepend(gone.place);
  tile(gone.place).focus();
}
document.addEventListener("place:back", (event) => bringBack(event.detail.id));

function resize(difference) {
  const shown = document.querySelector("[data-size]");
  if (!shown) return;
  const now = Number(shown.dataset.size) + difference;
  shown.dataset.size = now;
  shown.textContent = `${now} item${now === 1 ? "" : "s"}`;
}

async function asCover(place, url, fields) {
  try { await post(url, fields); } catch (error) { toast(error.message, { level: "error" }); return; }
  document.querySelector(".is-cover")?.remove();
  const badge = Object.assign(document.createElement("span"), { className: "badge is-cover", textContent: "Cover" });
  place.querySelector(".place-marks").prepend(badge);
}

async function approve(place, url, fields) {
  try { await post(url, fields); } catch (error) { toast(error.message, { level: "error" }); return; }
  place.querySelector("[data-review]")?.remove();
  place.querySelector("[data-do=approve]")?.remove();
}

/* --- the panels of the page ---------------------------------------------------------------------------------------------------- */

on("click", "[data-toggle]", (event, button) => {
  const panel = document.getElementById(button.dataset.toggle);
  panel.open = !panel.open;
  for (const other of document.querySelectorAll(".gallery-panel[open]")) if (other !== panel) other.open = false;
  if (panel.open) panel.querySelector("input:not([type=hidden]), textarea")?.focus({ preventScroll: true });
});
