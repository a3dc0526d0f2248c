// What a team mate puts into a gallery, takes out of it or moves appears on its page: never under a hand, but as soon as that is gone.
import { patience } from "../again.js";
import { announce, whenever } from "../dom.js";
import { fetchedPage, NoAnswer } from "../requests.js";

const TOGETHER = 150;
const LATER = 500;

const wall = () => document.getElementById("places");
const inHand = () => wall()?.querySelector("[data-held], details[open]");
const failures = patience();
let timer = 0;
let reading = Promise.resolve();

/** Look a little later, one look after the other: an old answer must not overtake a new one. */
function soon(delay = TOGETHER) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(() => { reading = reading.then(look, look); }, delay);
}

async function look() {
  try {
    await read();
    failures.over();
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    soon(failures.next());
  }
}

async function read() {
  if (inHand()) { soon(LATER); return; }
  const page = await fetchedPage(location.pathname);
  if (!page?.querySelector("[data-gallery]")) return; // it is gone, or was made private: the next click says so
  const fresh = page.getElementById("places");
  if (fresh && wall()) {
    for (let number = 2; number <= stretchesShown() && fresh.querySelector("#further"); number += 1) {
      const more = (await fetchedPage(`${location.pathname}?page=${number}`, { "HX-Request": "true" }))?.getElementById("places");
      if (!more) return;
      fresh.querySelector("#further").replaceWith(...more.children);
    }
    if (inHand()) { soon(LATER); return; }
    order(fresh);
  } else replace(wall() ?? document.querySelector("[data-gallery] > .empty"), fresh ?? page.querySelector("[data-gallery] > .empty"));
  count(page);
}

/** How many stretches are on the page: the link to the next one knows its number; without it all are. */
function stretchesShown() {
  const next = document.getElementById("further")?.getAttribute("href");
  return next ? Number(new URL(next, location.href).searchParams.get("page")) - 1 : Infinity;
}

/** Bring the wall into the order of `fresh`. What is there already stays the same element, with the focus that is in it. */
function order(fresh) {
  const focused = document.activeElement;
  const wanted = [...fresh.querySelectorAll(":scope > .place")];
  const ids = new Set(wanted.map((place) => place.id));
  for (const place of wall().querySelectorAll(":scope > .place")) if (!ids.has(place.id)) place.remove();
  let last = null;
  for (const place of wanted) {
    const mine = document.getElementById(place.id) ?? document.importNode(place, true);
    const marks = mine.querySelector(".place-marks");
    const said = place.querySelector(".place-marks");
    if (marks && said && marks.innerHTML !== said.innerHTML) marks.replaceWith(document.importNode(said, true));
    const next = last ? last.nextElementSibling : wall().firstElementChild;
    if (next !== mine) wall().insertBefore(mine, next);
    last = mine;
  }
  replace(document.getElementById("further"), fresh.querySelector("#further"));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function replace(old, fresh) {
  if (!old || !fresh) { old?.remove(); return; }
  if (old.isEqualNode(fresh)) return;
  const put = document.importNode(fresh, true);
  old.replaceWith(put);
  window.htmx.process(put);
}

function count(page) {
  const shown = document.querySelector("[data-size]");
  const said = page.querySelector("[data-size]");
  if (!shown || !said || shown.dataset.size === said.dataset.size) return;
  shown.replaceWith(document.importNode(said, true));
  announce(`The gallery has ${said.textContent.trim()} now.`);
}

// Without ids it comes with each connection: whatever happened before that was not heard.
whenever("#pictures-changed", (word) => { if (word.hasAttribute("data-ids")) soon(); });
document.addEventListener("visibilitychange", () => soon());
