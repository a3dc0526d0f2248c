// On a phone the panel is a sheet at the foot of the screen, so that the picture is what one sees. `data-sheet` on the page says that it is
// open, pages.css draws it; here are tap, drag and Escape, and what cannot be reached while it is covered.
import { on, whenever } from "../dom.js";

const page = document.querySelector("[data-create]");
const room = matchMedia("(max-width: 720px) and (min-height: 320px) and (scripting: enabled)"); // as in pages.css
/** Pixels after which a touch is a drag, and pixels a millisecond at which it is a throw. */
const SLOP = 6;
const THROW = 0.4;

const part = (selector) => page.querySelector(selector);
const isOpen = () => page.dataset.sheet === "open";
/** Whether the panel is a sheet here, and not a pane beside the stage. */
export const isSheet = () => Boolean(page && room.matches && part("[data-sheet-grip]"));

/** The first line of the closed sheet: what stands in the prompt. */
export function showLine() {
  const line = page && part("[data-sheet-line] span");
  if (!line) return;
  const prompt = document.getElementById("panel").elements.prompt?.value.trim();
  line.textContent = prompt || line.dataset.empty;
  line.toggleAttribute("data-blank", !prompt && !document.querySelector("#panel .templated"));
}

function settle() {
  const toggle = part("[data-sheet-toggle]");
  if (!toggle) return;
  const closed = isSheet() && !isOpen();
  const behind = part("[data-behind]");
  if (closed && part("#settings").contains(document.activeElement)) toggle.focus({ preventScroll: true });
  part("#settings").inert = closed;
  behind.inert = isSheet() && isOpen();
  toggle.setAttribute("aria-expanded", String(isOpen()));
}

/** Bring the sheet up. The focus goes to `target`, or to the sheet when it was on something that is covered now. */
export function openSheet(target) {
  if (!isSheet()) return;
  const isCovered = part("[data-behind]").contains(document.activeElement);
  page.dataset.sheet = "open";
  settle();
  if (target) target.focus({ preventScroll: true });
  else if (isCovered) part("[data-sheet-toggle]").focus();
}

export function closeSheet() {
  if (!page) return;
  delete page.dataset.sheet;
  settle();
}

// --- tap and Escape -----------------------------------------------------------------------------------------------------------------------

let drag = null;

on("click", "[data-sheet-grip]", (event) => {
  if (drag?.isMoving && event.detail) return; // the end of a drag is no tap
  if (event.target.closest("[data-sheet-line]")) openSheet(document.getElementById("panel").elements.prompt ?? part("[data-sheet-toggle]"));
  else if (isOpen()) closeSheet();
  else openSheet();
});
on("click", "[data-sheet-scrim]", closeSheet);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !page || !isSheet() || !isOpen()) return;
  if (document.querySelector("dialog[open], :popover-open")) return;
  event.preventDefault();
  closeSheet();
});

// --- drag ---------------------------------------------------------------------------------------------------------------------------------

on("pointerdown", "[data-sheet-grip]", (event, grip) => {
  if (!isSheet() || event.button) return;
  const travel = grip.parentElement.offsetHeight - grip.offsetHeight;
  const start = isOpen() ? 0 : travel;
  drag = { grip, pointer: event.pointerId, from: event.clientY, travel, start, at: start, time: event.timeStamp, speed: 0, isMoving: false };
});
document.addEventListener("pointermove", (event) => {
  if (drag?.pointer !== event.pointerId) return;
  const moved = event.clientY - drag.from;
  if (!drag.isMoving) {
    if (Math.abs(moved) < SLOP) return;
    drag.isMoving = true;
    drag.grip.setPointerCapture(event.pointerId);
    page.dataset.dragging = "";
  }
  const at = Math.min(drag.travel, Math.max(0, drag.start + moved));
  drag.speed = (at - drag.at) / Math.max(1, event.timeStamp - drag.time);
  Object.assign(drag, { at, time: event.timeStamp });
  page.style.setProperty("--drag", `${at}px`);
});
function letGo(event) {
  if (drag?.pointer !== event.pointerId) return;
  drag.pointer = null;
  if (!drag.isMoving) return;
  delete page.dataset.dragging;
  const isThrown = Math.abs(drag.speed) > THROW && event.timeStamp - drag.time < 100;
  if (isThrown ? drag.speed < 0 : drag.at < drag.travel / 2) openSheet();
  else closeSheet();
}
document.addEventListener("pointerup", letGo);
document.addEventListener("pointercancel", letGo);

// --- a panel that is drawn anew, a screen that is turned ------------------------------------------------------------------------------------

if (page) {
  // What the closed sheet covers at the end of the page: more when something is said above the button.
  const observer = new ResizeObserver(([foot]) => {
    const height = part("[data-sheet-grip]").offsetHeight + foot.target.offsetHeight;
    if (isSheet()) document.documentElement.style.setProperty("--peek", `${height}px`);
    else document.documentElement.style.removeProperty("--peek");
  });
  whenever("form[data-panel]", (form) => {
    settle();
    observer.disconnect();
    observer.observe(form.querySelector(".panel-foot"));
  });
  room.addEventListener("change", settle);
}
