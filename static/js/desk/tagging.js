// The tags of what is selected: which are on all of it, which on some; more by typing, with those that the team has.
import { announce, make, on, whenever } from "../dom.js";
import { isCommand } from "../hotkeys.js";
import { current } from "../library.js";
import { headers } from "../requests.js";
import { act } from "./bar.js";
import { choose, selected } from "./selection.js";

const WAIT = 120;
const NEXT = { all: "none", none: "all", some: "all" };

const menu = () => document.querySelector("[data-tagging]");
const part = (selector) => menu().querySelector(selector);
const field = () => part("[role=combobox]");
const list = () => part("[role=listbox]");
const key = (name) => name.normalize("NFKC").toLowerCase();

/** Name by key, how it was (`all`, `some`, `none`), how it shall be, and on how many it is. */
let tags = new Map();
let ids = [];
let asked = 0;
let timer = 0;

function read() {
  ids = selected();
  const counts = new Map();
  for (const id of ids) {
    const own = document.getElementById(`p-${id}`)?.closest(".cell")?.dataset.tags;
    for (const name of own ? own.split("\n") : []) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const state = (count) => (count === ids.length ? "all" : "some");
  tags = new Map([...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => [key(name), { name, count, was: state(count), is: state(count) }]));
  draw();
}

function draw() {
  const pressed = { all: "true", some: "mixed", none: "false" };
  part("[data-chips]").replaceChildren(...[...tags.values()].map((tag) => {
    const chip = make("button", { type: "button", class: "chip", "aria-pressed": pressed[tag.is], "data-tag": tag.name, dir: "auto" }, tag.name);
    if (tag.is === "some") chip.append(make("span", { class: "faint num" }, `${tag.count} of ${ids.length}`));
    return chip;
  }));
  part("[data-tagging-hint]").textContent = tags.size ? "Press a tag to give it to all, or to take it away." : "No tags yet. Write one, then press Enter.";
  part("#tagging-title").textContent = ids.length === 1 ? "Tags" : `Tags of ${ids.length}`;
  part("[data-apply]").disabled = !changes().length;
}

const changes = () => [...tags.values()].filter((tag) => tag.is !== tag.was);

/** Take what was typed, or picked from the list, as one tag or several. */
function add(text) {
  for (const name of text.split(",").map((one) => one.trim().replace(/\s+/g, " ")).filter(Boolean)) {
    const tag = tags.get(key(name)) ?? { name, count: 0, was: "none" };
    tag.is = "all";
    tags.set(key(name), tag);
    announce(`${tag.name} added.`);
  }
  field().value = "";
  close();
  draw();
}

async function apply() {
  const changed = changes();
  if (!changed.length) return;
  const names = (is) => changed.filter((tag) => tag.is === is).map((tag) => tag.name);
  if (await act(part("button[formaction]").formAction, ids, { add: names("all"), remove: names("none") })) {
    menu().open = false;
    part("summary").focus();
  }
}

on("click", "[data-tagging] [data-tag]", (event, chip) => {
  const tag = tags.get(key(chip.dataset.tag));
  tag.is = tag.is === "none" && tag.was === "some" ? "some" : NEXT[tag.is];
  if (tag.is === "none" && tag.was === "none") tags.delete(key(tag.name));
  draw();
  (part(`[data-tag="${CSS.escape(tag.name)}"]`) ?? field()).focus();
});
on("click", "[data-tagging] [data-apply]", apply);

/* --- the list of the team's tags: a combobox (WAI-ARIA 1.2) whose focus stays in the field --- */

const options = () => [...list().querySelectorAll("[role=option]")];
const active = () => list().querySelector("[aria-selected=true]");

function close() {
  clearTimeout(timer);
  asked += 1;
  list().hidden = true;
  field().setAttribute("aria-expanded", "false");
  unchoose();
}

function unchoose() {
  active()?.setAttribute("aria-selected", "false");
  field().removeAttribute("aria-activedescendant");
}

async function suggest() {
  const mine = (asked += 1);
  const url = new URL(menu().dataset.tagsUrl, location.href);
  url.searchParams.set("q", field().value.split(",").at(-1).trim());
  let found;
  try { found = await (await fetch(url, { headers: headers(), redirect: "error" })).json(); } catch { return; /* a tag can be written without it */ }
  if (mine !== asked) return;
  const chosen = active()?.dataset.name; // stays so, or Enter would mean something else than a moment before
  const fresh = found.tags.filter((tag) => tags.get(key(tag.name))?.is !== "all");
  list().replaceChildren(...fresh.map((tag, place) => make("li", { role: "option", id: `tagging-${place}`, "data-name": tag.name, "aria-selected": String(tag.name === chosen), dir: "auto" }, make("span", { class: "clip" }, tag.name), make("span", { class: "faint num" }, tag.count.toLocaleString("en")))));
  list().hidden = !fresh.length;
  field().setAttribute("aria-expanded", String(fresh.length > 0));
  if (active()) field().setAttribute("aria-activedescendant", active().id);
  else field().removeAttribute("aria-activedescendant");
}

function step(direction) {
  const all = options();
  if (list().hidden || !all.length) { suggest(); return; }
  const place = all.indexOf(active());
  const next = all[(place + direction + all.length + (place < 0 && direction < 0 ? 1 : 0)) % all.length];
  for (const option of all) option.setAttribute("aria-selected", String(option === next));
  field().setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

whenever("[data-tagging] [role=combobox]", (input) => {
  input.addEventListener("input", () => {
    unchoose(); // what is typed now is meant
    if (input.value.includes(",")) { add(input.value); return; }
    clearTimeout(timer);
    timer = setTimeout(suggest, WAIT);
  });
  input.addEventListener("focus", suggest);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (active() && !list().hidden) add(active().dataset.name);
      else if (input.value.trim()) add(input.value);
      else apply();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !list().hidden) {
      event.stopPropagation();
      event.preventDefault();
      close();
    }
  });
});
// Before the field loses the focus, and with it the list.
on("pointerdown", "[data-tagging] [role=option]", (event, option) => { event.preventDefault(); add(option.dataset.name); });

document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.("[data-tagging]")) return;
  if (event.target.open) { read(); field().focus(); } else close();
}, true);
document.addEventListener("selection:changed", () => { if (menu()?.open) read(); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "t" || !menu() || !isCommand(event) || event.target.closest?.("details[open]")) return;
  if (!selected().length && current()) choose([current().id.slice(2)], true);
  if (!selected().length) return;
  event.preventDefault();
  menu().open = true;
});
