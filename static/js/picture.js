// The page of one picture: browsing with the arrow keys, zooming, and the way back to the library.
import { on } from "./dom.js";
import { isCommand } from "./hotkeys.js";

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
    " ": () => !event.target.closest?.("a, button, summary") && viewer.querySelector("audio-player .play"),
  }[event.key];
  if (!press || event.shiftKey || (zoomed() && event.key.startsWith("Arrow"))) return;
  const control = press();
  if (!control) return;
  event.preventDefault();
  control.click();
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
