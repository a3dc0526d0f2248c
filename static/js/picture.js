// The page of one picture: browsing and culling with the keys, zooming, its family, and the way back to the library.
import { announce, memory, on } from "./dom.js";
import { isCommand } from "./hotkeys.js";
import { drawTheLast } from "./requests.js";

const viewer = document.querySelector("[data-picture]");

// Turning a page replaces the one before: Back leads to where one came from, not through everything one has looked at.
on("click", "[data-turn]", (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  location.replace(link.href);
});
on("click", "[data-close-picture]", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button || history.length < 2) return;
  if (!cameFromLibrary()) return;
  event.preventDefault();
  history.back();
});

/** Whether the page before this one in the history is the library. */
function cameFromLibrary() {
  const before = window.navigation?.entries?.()[window.navigation.currentEntry.index - 1]?.url;
  return Boolean(before) && new URL(before).pathname === "/library/";
}

document.addEventListener("keydown", (event) => {
  if (!viewer || !isCommand(event)) return;
  const press = {
    ArrowLeft: () => viewer.querySelector("[rel=prev]"),
    ArrowRight: () => viewer.querySelector("[rel=next]"),
    Delete: () => viewer.querySelector("[data-delete] button"),
    Backspace: () => viewer.querySelector("[data-delete] button"),
    Escape: () => (zoomed() ? frame : viewer.querySelector("[data-close-picture]")),
    z: () => frame,
    x: () => viewer.querySelector("[data-compare-key]"),
    ".": () => viewer.querySelector("[data-mark] .heart"),
    t: () => document.getElementById("comment"),
    " ": () => !event.target.closest?.("a, button, summary") && viewer.querySelector("audio-player .play"),
  }[event.key];
  if (/^[0-5]$/.test(event.key) && rate(event.key)) event.preventDefault();
  if (!press || event.shiftKey || (event.key.startsWith("Arrow") && (zoomed() || event.target.closest?.(ARROWS_ARE_ITS)))) return;
  const control = press();
  if (!control) return;
  event.preventDefault();
  if (control.matches("textarea")) control.focus();
  else control.click();
});

/* --- culling: a rating, a favourite, away with it; what was done is said --- */

const ARROWS_ARE_ITS = "input[type=radio], [role=slider], .lineage-scroll";
const GOES_ON = "atelier.goes-on";
const goesOn = () => { try { return localStorage.getItem(GOES_ON) === "on"; } catch { return false; } };

let byKey = false;

function rate(rating) {
  const star = viewer.querySelector(`[data-mark] input[name=rating][value="${rating}"]`);
  if (!star) return false;
  star.checked = true;
  byKey = true;
  star.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

// The heart shows at once what was asked for, so that a second press, however quick, asks for the opposite. htmx, which listens at the form
// itself, has read the form by now.
on("submit", "[data-mark]", (event) => {
  const { submitter } = event;
  if (!event.defaultPrevented || !submitter?.matches(".heart")) return; // without htmx the browser reads it after this
  const is = submitter.value === "on";
  submitter.value = is ? "off" : "on";
  submitter.setAttribute("aria-pressed", String(is));
});
// What an answer says is old while a newer press is on its way.
const isMark = (ctx) => Boolean(ctx?.sourceElement?.matches?.("[data-mark]"));
drawTheLast(isMark);

for (const box of document.querySelectorAll("[data-goes-on]")) {
  box.checked = goesOn();
  box.addEventListener("change", () => { try { localStorage.setItem(GOES_ON, box.checked ? "on" : "off"); } catch { /* for this page only */ } });
}
document.addEventListener("htmx:after:swap", (event) => {
  if (!isMark(event.detail.ctx)) return;
  const form = document.getElementById("mark");
  const rating = Number(form.querySelector("[name=rating]:checked")?.value ?? 0);
  const favourite = form.querySelector(".heart").getAttribute("aria-pressed") === "true";
  const said = [rating ? `${rating} of 5` : "No rating", favourite && "a favourite"].filter(Boolean).join(", ");
  const older = viewer.querySelector("[rel=next]");
  const goes = byKey && rating && goesOn() && older;
  byKey = false;
  if (goes) {
    memory.set("picture.said", `Rated ${said}. The next one.`);
    older.click();
  } else announce(`${said}.`);
});
if (viewer && memory.get("picture.said")) {
  announce(memory.get("picture.said"));
  memory.set("picture.said", null);
}
on("submit", "[data-delete]", () => memory.set("picture.said", "Deleted. The next one."));

/* --- the family: the current one in sight, and Shift picks whom to compare --- */

const graph = viewer?.querySelector("[data-lineage]");
if (graph) {
  const here = graph.querySelector("[aria-current]")?.getBoundingClientRect();
  const box = graph.getBoundingClientRect();
  if (here) graph.scrollTo(here.left - box.left - (box.width - here.width) / 2, here.top - box.top - (box.height - here.height) / 2);
}
on("click", "[data-node]", (event, node) => {
  if (!event.shiftKey || event.ctrlKey || event.metaKey) return;
  const from = document.querySelector(".lineage-pair [name=from]");
  const here = graph?.querySelector("[aria-current]")?.dataset.node;
  if (!from || !here) return;
  event.preventDefault();
  [from.value, from.form.elements.to.value] = [node.dataset.node, here].sort(); // the older first: ids begin with their time
  from.dispatchEvent(new Event("change", { bubbles: true }));
});

/* --- zoom: one picture pixel to one pixel of the screen, or twice as large as it fits, whichever is larger --- */

const easel = viewer?.querySelector("[data-zoom]");
const frame = easel?.querySelector("[data-zoom-toggle]");
const image = frame?.querySelector("img");
const zoomed = () => Boolean(easel?.hasAttribute("data-zoomed"));
let drag = null;

/** Where in the picture a point of the screen is, from 0 to 1 both ways; the middle when it is not in it. */
function pointIn(event) {
  const box = image.getBoundingClientRect();
  const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
  const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
  const x = (event.clientX - box.left - (box.width - width) / 2) / width;
  const y = (event.clientY - box.top - (box.height - height) / 2) / height;
  return event.detail && x >= 0 && x <= 1 && y >= 0 && y <= 1 ? [x, y] : [0.5, 0.5];
}

function zoomIn(event) {
  const [x, y] = pointIn(event);
  const box = image.getBoundingClientRect();
  const [width, height] = [Number(image.getAttribute("width")), Number(image.getAttribute("height"))];
  const fitted = Math.min(box.width / width, box.height / height);
  const scale = Math.max(1 / devicePixelRatio, fitted * 2);
  easel.setAttribute("data-zoomed", "");
  image.style.width = `${width * scale}px`;
  image.style.height = `${height * scale}px`;
  easel.scrollTo(x * easel.scrollWidth - easel.clientWidth / 2, y * easel.scrollHeight - easel.clientHeight / 2);
}

function zoomOut() {
  easel.removeAttribute("data-zoomed");
  image.style.width = image.style.height = "";
}

frame?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (drag?.moved) return;
  if (zoomed()) zoomOut();
  else zoomIn(event);
});
easel?.addEventListener("pointerdown", (event) => {
  drag = zoomed() && event.pointerType === "mouse" && !event.button ? { x: event.clientX, y: event.clientY, left: easel.scrollLeft, top: easel.scrollTop, moved: false } : null;
});
easel?.addEventListener("pointermove", (event) => {
  if (!drag || !event.buttons) return;
  const [across, down] = [event.clientX - drag.x, event.clientY - drag.y];
  if (!drag.moved && Math.hypot(across, down) < 4) return;
  drag.moved = true;
  easel.setAttribute("data-dragging", "");
  easel.scrollTo(drag.left - across, drag.top - down);
});
addEventListener("pointerup", () => easel?.removeAttribute("data-dragging"));
// A browser drags a link or a picture out of the page by itself: while it is zoomed, dragging moves it.
frame?.addEventListener("dragstart", (event) => { if (zoomed()) event.preventDefault(); });
