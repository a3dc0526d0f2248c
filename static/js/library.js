// The wall of pictures: keys and searching. What is done with them, and news of them, is in `desk/`.
import { announce, memory, on } from "./dom.js";
import { isCommand } from "./hotkeys.js";

export const wall = () => document.getElementById("wall");
export const tiles = () => [...(wall()?.querySelectorAll(".tile") ?? [])];
export const noun = () => document.getElementById("results")?.dataset.noun ?? "item";
export const counted = (number) => `${number.toLocaleString("en")} ${noun()}${number === 1 ? "" : "s"}`;
export const current = () => document.activeElement?.closest?.(".tile");

/* --- where one was is kept by library/place.js; here is what changes the address --- */

/** Let the address lead back to what is shown. */
export function remember(url) {
  try { history.replaceState(null, "", url); } catch { /* too many in a short time: the next one will do */ }
}

on("htmx:after:swap", "[data-search]", (event, form) => {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  remember(`${form.action}${query.size ? `?${query}` : ""}`);
  announce(document.getElementById("library-count")?.textContent || "Nothing found.");
});

// What is empty stays out of the address.
on("submit", "[data-filters]", (event, form) => {
  for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
});
addEventListener("pageshow", () => { for (const field of document.querySelectorAll("[data-filters] :disabled")) field.disabled = false; });

on("click", ".wall .tile", (event, tile) => memory.set("library.opened", tile.id));
if (document.querySelector("[data-library]") && performance.getEntriesByType("navigation")[0]?.type === "back_forward") {
  document.getElementById(memory.get("library.opened"))?.focus({ preventScroll: true });
}

/* --- keys --- */

/** The tile in the next row up or down whose middle is nearest. */
function inNextRow(from, direction) {
  const box = from.getBoundingClientRect();
  const middle = box.left + box.width / 2;
  let best = null;
  for (const tile of tiles()) {
    const other = tile.getBoundingClientRect();
    const rows = direction * (other.top - box.top);
    if (rows < 4) continue;
    const distance = [rows, Math.abs(other.left + other.width / 2 - middle)];
    if (!best || distance[0] < best.distance[0] - 4 || (Math.abs(distance[0] - best.distance[0]) <= 4 && distance[1] < best.distance[1])) best = { tile, distance };
  }
  return best?.tile;
}

/** The tile that a key leads to from the focused one. */
export function move(key) {
  const all = tiles();
  const here = current();
  if (!here) return all.find((tile) => tile.getBoundingClientRect().bottom > 80) ?? all[0];
  const place = all.indexOf(here);
  return {
    ArrowLeft: () => all[place - 1],
    ArrowRight: () => all[place + 1],
    ArrowUp: () => inNextRow(here, -1),
    ArrowDown: () => inNextRow(here, 1),
    Home: () => all[0],
    End: () => all.at(-1),
  }[key]?.();
}

document.addEventListener("keydown", (event) => {
  if (!document.querySelector("[data-library], [data-trash]") || !isCommand(event) || event.target.closest?.("details[open]")) return;
  if (event.key === "/") {
    const field = document.getElementById("q");
    if (!field) return;
    field.focus();
    field.select();
    event.preventDefault();
  } else if (event.key.startsWith("Arrow") || (current() && ["Home", "End"].includes(event.key))) {
    const next = event.shiftKey ? null : move(event.key);
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
});
on("keydown", "#q", (event, field) => {
  if (event.key === "Escape" && !field.value) field.blur();
  if (event.key === "ArrowDown" && tiles()[0]) { event.preventDefault(); tiles()[0].focus(); }
});
