// Which things of a wall are selected: by checkbox, Ctrl, Shift, keys, or a long press. The ids are the truth, the checkboxes follow.
import { announce, isTyping, make, on, whenever } from "../dom.js";
import { isCommand } from "../hotkeys.js";
import { current, move, tiles, wall } from "../library.js";

export const MOST = 500;
const LONG_PRESS = 450;
const STEADY = 10;

const chosen = new Set();
let anchor = null;
let mode = false;

const desk = () => document.querySelector("[data-desk]");
const idOf = (element) => element.closest(".cell")?.querySelector(".pick")?.value;
const pickOf = (id) => document.querySelector(`.pick[value="${CSS.escape(id)}"]`);
const order = () => [...(wall()?.querySelectorAll(".pick") ?? [])].map((pick) => pick.value);

/** The ids that are selected, as they were selected. */
export const selected = () => [...chosen];

/** Select these, or no longer. No more than `MOST`: whatever comes on top is left, and said. */
export function choose(ids, on) {
  let left = 0;
  for (const id of ids) {
    if (on && !chosen.has(id) && chosen.size >= MOST) { left += 1; continue; }
    if (on) chosen.add(id);
    else chosen.delete(id);
    const pick = pickOf(id);
    if (pick) pick.checked = on;
  }
  show(left);
}

/** Select nothing, and leave the mode in which a tap selects. */
export function clear() {
  const ids = selected();
  mode = false;
  anchor = null;
  choose(ids, false);
}

function show(left) {
  const bar = desk();
  if (!bar) return;
  bar.toggleAttribute("data-open", chosen.size > 0);
  wall()?.toggleAttribute("data-selecting", chosen.size > 0 || mode);
  for (const button of document.querySelectorAll("[data-select-mode]")) button.setAttribute("aria-pressed", String(chosen.size > 0 || mode));
  bar.querySelector("[data-selected]").replaceChildren(chosen.size.toLocaleString("en"), make("span", { class: "dock-word" }, " selected"));
  announce(left ? `${MOST} selected, which is the most at a time.` : chosen.size ? `${chosen.size} selected.` : "Nothing selected.");
  document.dispatchEvent(new CustomEvent("selection:changed"));
}

/** From the last one that was touched to this one, both with them. */
function range(id, on = true) {
  const all = order();
  const [from, to] = [all.indexOf(anchor), all.indexOf(id)].sort((a, b) => a - b);
  choose(from < 0 ? [id] : all.slice(from, to + 1), on);
}

function toggle(id) {
  anchor = id;
  choose([id], !chosen.has(id));
}

whenever(".pick", (pick) => {
  pick.checked = chosen.has(pick.value);
  pick.tabIndex = -1; // Space on the tile does the same, and Tab need not stop twice at each
});

/* --- pointer --- */

let pressed = 0;
let start = null;
let swallow = false;

on("pointerdown", "#wall .cell", (event, cell) => {
  swallow = false;
  if (!desk() || event.pointerType === "mouse" || !event.isPrimary) return;
  start = [event.clientX, event.clientY];
  clearTimeout(pressed);
  pressed = setTimeout(() => {
    swallow = true;
    toggle(idOf(cell));
    navigator.vibrate?.(10);
  }, LONG_PRESS);
});
document.addEventListener("pointermove", (event) => {
  if (start && Math.hypot(event.clientX - start[0], event.clientY - start[1]) > STEADY) clearTimeout(pressed);
});
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { clearTimeout(pressed); start = null; });
// The browser's own menu for a link that is pressed long.
on("contextmenu", "#wall .cell", (event) => { if (swallow) event.preventDefault(); });

on("click", "#wall .cell", (event, cell) => {
  const pick = desk() && cell.querySelector(".pick");
  if (!pick) return;
  if (swallow) { swallow = false; event.preventDefault(); event.stopImmediatePropagation(); return; }
  if (event.target === pick) {
    if (event.shiftKey && anchor) range(pick.value, pick.checked);
    else choose([pick.value], pick.checked);
    anchor = pick.value;
    return;
  }
  const taps = (mode || chosen.size > 0) && event.detail > 0; // Enter opens it whatever is selected
  if (event.button || !(event.ctrlKey || event.metaKey || event.shiftKey || taps)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.shiftKey) range(pick.value);
  else toggle(pick.value);
}, true);

on("click", "[data-clear]", clear);
on("click", "[data-select-mode]", () => {
  if (mode || chosen.size) { clear(); return; }
  mode = true;
  show(0);
  announce("Press what you want to select.");
});

/* --- keys --- */

function extend(key) {
  const here = current();
  const next = move(key);
  if (!here || !next) return;
  const all = order();
  anchor ??= idOf(here);
  const place = (id) => all.indexOf(id);
  const span = (id) => all.slice(Math.min(place(anchor), place(id)), Math.max(place(anchor), place(id)) + 1);
  const wanted = new Set(span(idOf(next)));
  choose(span(idOf(here)).filter((id) => !wanted.has(id)), false);
  choose(wanted, true);
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (!desk() || !tiles().length) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "a") {
    if (isTyping(event.target) || document.querySelector("dialog[open], details[data-menu][open]")) return;
    event.preventDefault();
    choose(order(), true);
    return;
  }
  if (!isCommand(event) || event.target.closest?.("details[open]")) return;
  if (event.key === "Escape" && (chosen.size || mode)) {
    event.preventDefault();
    clear();
  } else if (event.key === " " && event.target.matches?.(".tile")) {
    event.preventDefault();
    toggle(idOf(event.target));
  } else if (event.shiftKey && event.key.startsWith("Arrow") && current()) {
    event.preventDefault();
    extend(event.key);
  }
});
