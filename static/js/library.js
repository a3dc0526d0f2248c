// The wall of pictures: keys, searching, deleting with a way back, and news of what is made meanwhile.
import { announce, icon, make, memory, on } from "./dom.js";
import { isCommand } from "./hotkeys.js";
import { csrfToken, sentenceFor, UNREACHABLE } from "./requests.js";
import { toast } from "./toasts.js";

const wall = () => document.getElementById("wall");
const tiles = () => [...(wall()?.querySelectorAll(".tile") ?? [])];
const noun = () => document.getElementById("results")?.dataset.noun ?? "item";
const counted = (number) => `${number.toLocaleString("en")} ${noun()}${number === 1 ? "" : "s"}`;
const current = () => document.activeElement?.closest?.(".tile");

/* --- where one was is kept by library/place.js; here is what changes the address --- */

function remember(url) {
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

function move(key) {
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
  if (!document.querySelector("[data-library]") || !isCommand(event) || event.target.closest?.("details[open]")) return;
  if (event.key === "/") {
    const field = document.getElementById("q");
    field.focus();
    field.select();
    event.preventDefault();
  } else if (["Delete", "Backspace"].includes(event.key) && current() && wall().matches("[data-can-delete]")) {
    event.preventDefault();
    remove(current());
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

/* --- deleting: gone from the page at once, back when the studio refuses or somebody undoes it --- */

const deleted = new Map();

async function remove(tile) {
  const all = tiles();
  const place = all.indexOf(tile);
  const hole = document.createComment(tile.id);
  tile.replaceWith(hole);
  (all[place + 1] ?? all[place - 1] ?? document.getElementById("q")).focus({ preventScroll: true });
  deleted.set(tile.id, { tile, hole });
  recount(-1);
  try {
    const headers = { "X-CSRFToken": csrfToken(), "HX-Request": "true" };
    const response = await fetch(new URL("delete/", tile.href).pathname, { method: "POST", headers, redirect: "error" });
    if (!response.ok) throw new Error(sentenceFor(response.status));
    const answer = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-toast]");
    document.getElementById("toasts").append(answer);
    window.htmx.process(answer);
  } catch (error) {
    bringBack(tile.id);
    toast(error instanceof TypeError ? UNREACHABLE : error.message, { level: "error" });
  }
}

/** Keep the number over the wall true; where it says "more than", it stays true by itself. */
function recount(difference) {
  const shown = document.getElementById("library-count");
  const number = Number(shown?.dataset.number);
  if (!shown?.dataset.number || Number.isNaN(number)) return;
  shown.dataset.number = number + difference;
  shown.textContent = counted(number + difference);
}

function bringBack(id) {
  const gone = deleted.get(id);
  if (!gone) return;
  deleted.delete(id);
  recount(1);
  if (gone.hole.isConnected) gone.hole.replaceWith(gone.tile);
  else wall()?.querySelector(".stretch")?.append(gone.tile);
  gone.tile.focus();
}

document.addEventListener("picture:restored", (event) => bringBack(`p-${event.detail.id}`));

/* --- live: what is made meanwhile is announced, and put on the wall when somebody says so, for nothing may jump under a hand --- */

const PAUSE = 1200;
let looking = 0;

async function lookForNew() {
  const top = tiles()[0];
  const url = new URL(location.href);
  if (document.hidden || url.searchParams.has("after")) return;
  url.searchParams.delete("until");
  let answer;
  try {
    const response = await fetch(url, { headers: { "HX-Request": "true" }, redirect: "error" });
    if (!response.ok) return;
    answer = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("results");
  } catch { return; /* the next event, or a reload, brings it */ }
  // Ids sort by the time they were made.
  const fresh = [...(answer?.querySelectorAll(".tile") ?? [])].filter((tile) => !top || tile.id > top.id).length;
  const full = answer?.querySelectorAll(".tile").length === fresh && Boolean(answer?.querySelector("#older"));
  if (!fresh) return;
  if (!top && !document.getElementById("q").value) show(answer, url);
  else offer(`${full ? "More than " : ""}${fresh} new ${noun()}${fresh === 1 ? "" : "s"}`, () => show(answer, url));
}

function offer(text, onClick) {
  document.getElementById("library-new")?.remove();
  const button = make("button", { type: "button", class: "act primary" }, icon("library"), text);
  button.addEventListener("click", onClick);
  document.getElementById("results").before(make("div", { id: "library-new", class: "library-new" }, button));
  announce(`${text}.`);
}

function show(answer, url) {
  document.getElementById("library-new")?.remove();
  document.getElementById("results").replaceWith(answer);
  window.htmx.process(answer);
  remember(url);
  scrollTo({ top: 0 });
  tiles()[0]?.focus({ preventScroll: true });
}

if (document.querySelector("[data-library]")) {
  document.addEventListener("htmx:ws:after:message:incoming", () => {
    clearTimeout(looking);
    looking = setTimeout(lookForNew, PAUSE);
  });
}
