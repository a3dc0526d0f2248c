// Two pictures beside each other, or over each other with a slider or flipped; zoomed and moved together. Without this they stand side by side.
import { on } from "./dom.js";
import { isCommand } from "./hotkeys.js";

const stage = document.querySelector("[data-compare]");
const WAY = "atelier.compare";
const MOST = 16;

const kept = { get: () => { try { return localStorage.getItem(WAY); } catch { return null; } }, set: (way) => { try { localStorage.setItem(WAY, way); } catch { /* for this page only */ } } };

if (stage) start();
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !isCommand(event)) return;
  const back = document.querySelector("[data-close-compare]");
  if (back) { event.preventDefault(); back.click(); }
});

function start() {
  const windows = [...stage.querySelectorAll(".compare-window")];
  const images = windows.map((one) => one.querySelector("img"));
  const bar = stage.querySelector(".compare-bar");
  const flip = stage.querySelector(".compare-flip");
  const view = { scale: 1, x: 0, y: 0 };
  let way = "sides";
  let place = 50;

  /* --- how they are shown --- */

  function show(wanted) {
    way = ["slider", "sides", "flip"].includes(wanted) ? wanted : "slider";
    stage.dataset.shows = way;
    bar.hidden = way !== "slider";
    flip.hidden = way !== "flip";
    for (const button of document.querySelectorAll("[data-way]")) button.setAttribute("aria-pressed", String(button.dataset.way === way));
    turn(false);
    slide(place);
    move(0, 0);
  }

  function slide(percent) {
    place = Math.min(100, Math.max(0, percent));
    bar.style.left = `${place}%`;
    bar.setAttribute("aria-valuenow", String(Math.round(place)));
    bar.setAttribute("aria-valuetext", `${Math.round(place)} % of A`);
    windows[1].style.clipPath = way === "slider" ? `inset(0 0 0 ${place}%)` : "";
  }

  function turn(on) {
    stage.toggleAttribute("data-flipped", on);
    flip.setAttribute("aria-pressed", String(on));
    flip.firstChild.textContent = on ? "Show A " : "Show B ";
  }

  /* --- zoom and move, both at once --- */

  function draw() {
    for (const image of images) image.style.transform = view.scale === 1 ? "" : `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    stage.toggleAttribute("data-zoomed", view.scale > 1);
    const label = document.querySelector("[data-scale]");
    if (label) label.textContent = `${view.scale >= 10 ? Math.round(view.scale) : Math.round(view.scale * 10) / 10}×`;
  }

  /** Move by so many pixels; an edge of the picture cannot come further in than the edge of its window. */
  function move(dx, dy) {
    const [width, height] = [images[0].offsetWidth, images[0].offsetHeight];
    view.x = Math.min(0, Math.max(width * (1 - view.scale), view.x + dx));
    view.y = Math.min(0, Math.max(height * (1 - view.scale), view.y + dy));
    draw();
  }

  /** Zoom so that the point (in the window, pixels) stays where it is. */
  function zoom(factor, x = images[0].offsetWidth / 2, y = images[0].offsetHeight / 2) {
    const scale = Math.min(MOST, Math.max(1, view.scale * factor));
    view.x = x - (x - view.x) * (scale / view.scale);
    view.y = y - (y - view.y) * (scale / view.scale);
    view.scale = scale;
    move(0, 0);
  }

  function fit() {
    Object.assign(view, { scale: 1, x: 0, y: 0 });
    draw();
  }

  // A captured pointer names the stage as its target, so the place is asked.
  const windowAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest(".compare-window");
  const pointIn = (event) => {
    const target = windowAt(event) ?? windows[0];
    const box = target.getBoundingClientRect();
    const image = target.querySelector("img");
    return [event.clientX - box.left - image.offsetLeft, event.clientY - box.top - image.offsetTop];
  };

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0022)), ...pointIn(event));
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => {
    if (!windowAt(event)) return;
    if (view.scale > 1) fit();
    else zoom(3, ...pointIn(event));
  });
  for (const button of document.querySelectorAll("[data-zoom-by]")) {
    button.addEventListener("click", () => (button.dataset.zoomBy === "0" ? fit() : zoom(button.dataset.zoomBy === "1" ? 1.5 : 1 / 1.5)));
  }

  /* --- pointers: one slides, holds or moves, two pinch --- */

  const fingers = new Map();
  let sliding = false;
  let apart = 0;

  const across = (event) => {
    const box = stage.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * 100;
  };
  const distance = () => {
    const [one, other] = [...fingers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest("a, button")) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    stage.setPointerCapture?.(event.pointerId);
    if (fingers.size === 2) { apart = distance(); sliding = false; turn(false); return; }
    sliding = way === "slider" && (Boolean(event.target.closest(".compare-bar")) || view.scale === 1);
    if (sliding) { slide(across(event)); bar.focus({ preventScroll: true }); event.preventDefault(); }
    if (way === "flip" && event.pointerType !== "mouse" && view.scale === 1) turn(true);
    stage.toggleAttribute("data-grabbed", !sliding && view.scale > 1);
  });
  stage.addEventListener("pointermove", (event) => {
    // Over the picture the mouse alone flips it.
    if (way === "flip" && event.pointerType === "mouse" && !event.buttons && view.scale === 1) turn(hovered(event));
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2) {
      const now = distance();
      zoom(now / (apart || now), ...pointIn(event));
      apart = now;
    } else if (sliding) slide(across(event));
    else if (view.scale > 1) move(dx, dy);
  });
  const letGo = (event) => {
    fingers.delete(event.pointerId);
    sliding = false;
    stage.removeAttribute("data-grabbed");
    if (way === "flip" && event.pointerType !== "mouse") turn(false);
  };
  stage.addEventListener("pointerup", letGo);
  stage.addEventListener("pointercancel", letGo);
  stage.addEventListener("pointerleave", (event) => { if (way === "flip" && event.pointerType === "mouse") turn(false); });

  /** Whether the mouse is over the first picture itself, and not over the empty sides, the captions or the button. */
  function hovered(event) {
    if (!windowAt(event)) return false;
    const box = images[0].getBoundingClientRect();
    const [width, height] = [Number(images[0].getAttribute("width")), Number(images[0].getAttribute("height"))];
    const fitted = Math.min(box.width / width, box.height / height);
    return Math.abs(event.clientX - box.left - box.width / 2) <= (width * fitted) / 2 && Math.abs(event.clientY - box.top - box.height / 2) <= (height * fitted) / 2;
  }

  /* --- keys --- */

  bar.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 2;
    const to = { ArrowLeft: place - step, ArrowDown: place - step, ArrowRight: place + step, ArrowUp: place + step, PageDown: place - 10, PageUp: place + 10, Home: 0, End: 100 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    slide(to);
  });
  flip.addEventListener("click", () => turn(!stage.hasAttribute("data-flipped")));
  on("click", "[data-way]", (event, button) => { show(button.dataset.way); kept.set(way); });
  document.addEventListener("keydown", (event) => {
    if (!isCommand(event)) return;
    const act = {
      x: () => { if (way !== "flip") show("flip"); turn(!stage.hasAttribute("data-flipped")); },
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: fit,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  addEventListener("resize", () => move(0, 0));
  show(kept.get() ?? "slider");
}
