// What team mates do to the pictures on a wall appears on it. The socket names ids; the rows are read, and nothing jumps under a hand.
import { patience } from "../again.js";
import { announce, icon, make, whenever } from "../dom.js";
import { counted, noun, remember, tiles, wall } from "../library.js";
import { fetchedPage, NoAnswer } from "../requests.js";
import { bringBack, departing, fadeOut, isGone, steady, takenOff } from "./holes.js";
import { selected } from "./selection.js";

const TOGETHER = 150;
const AT_ONCE = 100;
const NEAR = 300;

const library = () => document.querySelector("[data-library]");
const heard = new Set();
const own = new Set();
const failures = patience();
const drawn = document.getElementById("results");
const drawnIds = tiles().map((tile) => tile.id.slice(2));
let isTouched = false;
let everything = false;
let timer = 0;
let reading = Promise.resolve();

function soon(delay = TOGETHER) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(() => { reading = reading.then(look, look); }, delay);
}

/** Read anew what was heard of; where no answer comes, once more. */
async function look() {
  const [ids, all] = [[...heard], everything];
  heard.clear();
  everything = false;
  try {
    await (document.querySelector("[data-trash]") ? readTrash() : readWall(ids, all));
    failures.over();
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    for (const id of ids) heard.add(id);
    everything ||= all;
    soon(failures.next());
  }
}

/** Whether the studio would draw the page as it did. That may be asked while nothing has happened to the wall since, as when a line is just up. */
async function isCurrent() {
  const results = document.getElementById("results");
  if (isTouched || !library() || results !== drawn || !drawnIds.every((id) => document.getElementById(`p-${id}`))) return false;
  const answer = await fetchedPage(location.href, { "HX-Request": "true", "X-Fingerprint": results.dataset.fingerprint });
  return Boolean(answer && !answer.getElementById("results"));
}

async function readWall(changed, all) {
  isTouched ||= !all || changed.length > 0;
  if (await isCurrent()) {
    await readTiles(near().filter((id) => !drawnIds.includes(id))); // what joined it below
    return;
  }
  isTouched = true;
  const known = (id) => document.getElementById(`p-${id}`) || isGone(id);
  const ids = all ? [...near(), ...takenOff()] : changed.filter(known);
  const strangers = all || changed.some((id) => !known(id));
  await readTiles(ids);
  if (strangers) await lookForNew();
}

async function readTiles(ids) {
  for (let start = 0; start < ids.length; start += AT_ONCE) await refresh(ids.slice(start, start + AT_ONCE));
}

/** The ids around what is looked at, when all may have changed. */
function near() {
  const all = tiles();
  const here = Math.max(0, all.findIndex((tile) => tile.getBoundingClientRect().bottom > 0));
  return all.slice(Math.max(0, here - NEAR / 2), here + NEAR / 2).map((tile) => tile.id.slice(2));
}

const fetched = (url) => fetchedPage(url, { "HX-Request": "true" });

/** Bring tiles up to date where they are; those that the team has no more fade, those that are back come back. */
async function refresh(ids) {
  const url = new URL("/library/tiles/", location.href);
  url.search = location.search;
  for (const name of ["ids", "after", "until"]) url.searchParams.delete(name);
  for (const id of ids) url.searchParams.append("ids", id);
  if (document.querySelector(".library[data-library]")) url.searchParams.set("finals", "1"); // there a final stands in the place of its preview
  // Of what goes or comes back while this is asked, the answer is too old.
  const mayReturn = ids.filter((id) => isGone(id) && !departing.has(id));
  const wereHere = ids.filter((id) => !isGone(id));
  const answer = await fetched(url);
  if (!answer?.getElementById("tiles")) return;
  const there = new Map([...answer.querySelectorAll(".cell")].map((cell) => [cell.querySelector(".tile").id.slice(2), cell]));
  const back = bringBack(mayReturn.filter((id) => there.has(id)));
  // "Undo" has the focus until its answer takes the message away, and with it the focus: the news may be here before that.
  const isLeft = document.activeElement === document.body || document.activeElement.closest("#toasts");
  if (back.some((tile) => own.has(tile.id.slice(2))) && isLeft) back[0].focus({ preventScroll: true });
  for (const id of ids) own.delete(id);
  for (const [id, cell] of there) update(document.getElementById(`p-${id}`)?.closest(".cell"), cell);
  fadeOut(wereHere.filter((id) => !there.has(id) && !isGone(id)));
  document.dispatchEvent(new CustomEvent("tiles:read"));
}

/** The picture of a tile never changes: what people said of it does. */
function update(old, fresh) {
  if (!old) return;
  old.removeAttribute("data-leaving");
  for (const name of ["data-tags", "data-rating", "data-favourite"]) {
    if (fresh.hasAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
    else old.removeAttribute(name);
  }
  old.querySelector(".tile-marks")?.remove();
  const marks = fresh.querySelector(".tile-marks");
  if (marks) old.querySelector(".tile").append(document.adoptNode(marks));
}

/** The trash is short, and read as a whole; under a hand only what has left it goes. */
async function readTrash() {
  const answer = (await fetched(location.href))?.getElementById("trash-wall");
  const here = document.getElementById("trash-wall");
  if (!answer) return;
  fadeOut(tiles().map((tile) => tile.id).filter((id) => !answer.querySelector(`[id="${id}"]`)).map((id) => id.slice(2)));
  if (!selected().length && !here.contains(document.activeElement) && !here.isEqualNode(answer)) here.replaceWith(document.importNode(answer, true));
}

/* --- what was not on the wall --- */

async function lookForNew() {
  const url = new URL(location.href);
  if (!library() || url.searchParams.has("after") || document.getElementById("newer")) return; // what is above comes when somebody goes there
  url.searchParams.delete("until");
  const answer = (await fetched(url))?.getElementById("results");
  const cells = [...(answer?.querySelectorAll(".cell") ?? [])];
  const isNew = (cell) => !document.getElementById(cell.querySelector(".tile").id) && !isGone(cell.querySelector(".tile").id.slice(2));
  const fresh = cells.filter(isNew);
  if (!fresh.length) return;
  if (!wall()) { show(answer, url); return; }
  const known = cells.findIndex((cell) => !isNew(cell));
  const above = known < 0 ? fresh : fresh.filter((cell) => cells.indexOf(cell) < known);
  const full = known < 0 && Boolean(answer.querySelector("#older"));
  // What comes after the last of them is brought by the next stretch: a wall that somebody thinned out does not draw it up before.
  const end = document.getElementById("older") ? cells.findLastIndex((cell) => !isNew(cell)) : cells.length;
  merge(answer, new Set(fresh.filter((cell) => !above.includes(cell) && cells.indexOf(cell) < end)));
  if (!above.length) return;
  const take = () => (full ? show(answer, url) : merge(answer, new Set(above)));
  if (isFree() && !full) take();
  else offer(`${full ? "More than " : ""}${above.length} new ${noun()}${above.length === 1 ? "" : "s"}`, () => { take(); toTop(); });
}

/** Whether nobody's hand is on the wall: at its top, nothing selected, no pointer over it and no focus in it. */
function isFree() {
  return scrollY < 40 && !selected().length && !document.querySelector("#wall:hover, #results :focus, #results details[open], #library-new");
}

/** Put those cells of a newer wall that this one lacks into their places, in a stretch of their own where their day has none yet. */
function merge(answer, wanted) {
  if (!wanted.size) return;
  const own = (cell) => document.getElementById(cell?.querySelector(".tile").id)?.closest(".cell");
  steady(() => {
    for (const stretch of answer.querySelectorAll(".stretch")) {
      const cells = [...stretch.querySelectorAll(".cell")];
      const known = cells.filter(own);
      const home = known.length ? own(known[0]).closest(".stretch") : newStretch(stretch, cells.some((cell) => wanted.has(cell)));
      let last = null;
      for (const cell of cells) {
        if (own(cell)) last = own(cell);
        else if (wanted.has(cell)) {
          const added = document.importNode(cell, true);
          if (last) last.after(added);
          else if (known.length) own(known[0]).before(added);
          else home.append(added);
          last = added;
        }
      }
    }
  });
  const count = document.getElementById("library-count");
  const said = answer.querySelector("#library-count");
  if (count && said) count.replaceWith(document.importNode(said, true));
}

/** An empty stretch with the heading of this one, before the first thing of the wall that comes after it. */
function newStretch(stretch, isWanted) {
  if (!isWanted) return null;
  const fresh = document.importNode(stretch, false);
  const heading = stretch.querySelector(".wall-day");
  if (heading) fresh.append(document.importNode(heading, true));
  let next = stretch.nextElementSibling;
  while (next && !next.querySelector(".cell")) next = next.nextElementSibling;
  const after = next && document.getElementById(next.querySelector(".tile").id)?.closest(".stretch");
  if (after) after.before(fresh);
  else wall().insertBefore(fresh, document.getElementById("older"));
  return fresh;
}

function offer(text, onClick) {
  document.getElementById("library-new")?.remove();
  const button = make("button", { type: "button", class: "act primary" }, icon("library"), text);
  button.addEventListener("click", onClick);
  document.getElementById("results").before(make("div", { id: "library-new", class: "library-new" }, button));
  announce(`${text}.`);
}

/** The wall as it is now, from its top. */
function show(answer, url) {
  const results = document.importNode(answer, true);
  document.getElementById("library-new")?.remove();
  document.getElementById("results").replaceWith(results);
  window.htmx.process(results);
  remember(url);
}

function toTop() {
  document.getElementById("library-new")?.remove();
  scrollTo({ top: 0 });
  tiles()[0]?.focus({ preventScroll: true });
  announce(`${counted(tiles().length)} on the page.`);
}

/* --- what is heard --- */

whenever("#pictures-changed", (word) => {
  if (word.dataset.ids) {
    for (const id of word.dataset.ids.split(" ")) {
      heard.add(id);
      if (word.hasAttribute("data-own")) own.add(id);
    }
  }
  else if (word.hasAttribute("data-ids")) everything = true; // so with each connection: what happened before it was not heard
  else return;
  soon();
});
document.addEventListener("visibilitychange", () => { if (heard.size || everything) soon(); });
document.addEventListener("pictures:changed", (event) => {
  for (const id of event.detail.ids) { heard.add(id); own.add(id); }
  soon();
});
