// A gallery outside: blurred likenesses while pictures load, and the ways from one picture to the next by key and by swipe.
import "../placeholders.js";
import { on } from "../dom.js";

const one = document.querySelector("[data-one]");
const SWIPE = 48;

/** Turning a page replaces the one before: Back leads to the wall, not through everything one has looked at. */
function go(link) {
  if (link) location.replace(link.href);
}

on("click", "[data-turn]", (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(link);
});

document.addEventListener("keydown", (event) => {
  if (!one || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.target.closest("input, textarea")) return;
  if (event.key === "ArrowLeft") go(one.querySelector("[rel=prev]"));
  else if (event.key === "ArrowRight") go(one.querySelector("[rel=next]"));
  else if (event.key === "Escape") location.href = one.querySelector("[data-back]").href;
  else return;
  event.preventDefault();
});

let start = null;
one?.addEventListener("touchstart", (event) => {
  start = event.touches.length === 1 && (window.visualViewport?.scale ?? 1) === 1 ? { x: event.touches[0].clientX, y: event.touches[0].clientY } : null;
}, { passive: true });
one?.addEventListener("touchend", (event) => {
  if (!start) return;
  const [across, down] = [event.changedTouches[0].clientX - start.x, event.changedTouches[0].clientY - start.y];
  start = null;
  if (Math.abs(across) < SWIPE || Math.abs(across) < 2 * Math.abs(down)) return;
  go(one.querySelector(across > 0 ? "[rel=prev]" : "[rel=next]"));
}, { passive: true });
