// The panel: Ctrl+Enter, sliders, seed, examples, shapes, and what a redraw must not lose (place, folds, focus, long prompts).
import { announce, glide, isTyping, memory, on, whenever } from "../dom.js";
import { isCommand } from "../hotkeys.js";
import { drawTheLast } from "../requests.js";
import { toast } from "../toasts.js";
import { isSheet, openSheet, showLine } from "./sheet.js";
import { showWeightsHelp } from "./weights.js";

// What a model with a free size is offered. Before everything: the panel that is there at the start is drawn with it.
const SHAPES = [["1:1", 1], ["4:5", 0.8], ["3:2", 1.5], ["16:9", 16 / 9], ["9:16", 9 / 16]];
export const panel = () => document.getElementById("panel");
const page = () => document.querySelector("[data-create]");
/** Characters of words that travel in an address; longer ones stay in the page and are put back. */
const LONG = 1500;
const MOST = 4000; // characters of all of them

/** Redraw the panel, for another engine or mode or with other values. `values` override what stands in it; null leaves a field out. */
export async function redraw(values = {}) {
  const form = panel();
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && !(name in values)) query.append(name, value);
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== undefined) for (const one of [value].flat()) query.append(name, one);
  if (form.elements.audio?.value) query.set("was_audio", form.elements.audio.value);
  query.set("was", query.get("engine")); // what the values were chosen for: what stood there by itself was not chosen
  await window.htmx.ajax("GET", `${page().dataset.form}?${kept(query)}`, { target: "#panel", swap: "outerHTML", source: page() });
}

/** Draw the panel from an address of Create (Use all, Remix, a file's settings, …) without leaving the page. */
export async function drawFrom(url) {
  await window.htmx.ajax("GET", url, { target: "#panel", swap: "outerHTML", select: "#panel", source: page() });
}

/** Show what the panel holds now: on a phone the sheet comes up, and everywhere the file to start from, or the painter on it, is in view. */
export function reveal(slot) {
  const picture = (slot ?? panel())?.querySelector("mask-painter, .input-frame, audio, .drop");
  openSheet(picture?.querySelector("canvas"));
  picture?.scrollIntoView({ block: "nearest", behavior: glide() });
}

const held = new Map();
/** What is written at length in the panel: prompts, or a template's long fields and sections. */
const texts = () => [...(panel()?.querySelectorAll("textarea[name]") ?? [])].map((area) => area.name);
/** Drop what an address must not carry (tokens, what a price was shown by) or cannot (novels); the latter come back after the swap. */
function kept(query) {
  query.delete("csrfmiddlewaretoken");
  query.delete("idempotency_key");
  query.delete("price_list");
  held.clear();
  let room = MOST;
  for (const name of texts()) {
    const text = query.get(name) ?? "";
    if (text.length > Math.min(LONG, room)) { held.set(name, text); query.delete(name); }
    else room -= text.length;
  }
  return query;
}

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.request.method === "GET" && ctx.sourceElement?.closest?.("#panel") && ctx.request.body) kept(ctx.request.body);
});

// --- a redraw ----------------------------------------------------------------------------------------------------------------------------------
let scrolled = 0;
let focused = "";
const targets = (event) => event.detail.tasks.some((task) => (task.target?.id ?? task.target) === "panel" || task.target === "#panel");

// Several redraws may be on their way: words that were typed meanwhile go with the one that is drawn.
let before = [];
const words = () => texts().map((name) => [name, panel().elements[name].value]);
const isRedraw = (ctx) => ctx.request?.method === "GET" && (ctx.target?.id ?? ctx.target) === "panel";
drawTheLast(isRedraw, () => { before = words(); });

document.addEventListener("htmx:before:swap", (event) => {
  if (event.defaultPrevented || !panel() || !targets(event)) return;
  if (isRedraw(event.detail.ctx)) for (const [name, text] of words()) if (text !== new Map(before).get(name)) held.set(name, text);
  scrolled = panel().querySelector(".panel-scroll").scrollTop;
  focused = document.activeElement?.closest("#panel") ? document.activeElement.id : "";
});

whenever("form[data-panel]", (form) => {
  form.setAttribute("hx-sync", "this:queue all"); // each press counts; htmx's own rule would drop the third
  for (const [name, text] of held) if (form.elements[name]) form.elements[name].value = text;
  held.clear();
  promptChanged();
  // A stage with nothing on it says what this mode makes.
  for (const place of document.querySelectorAll("#stage [data-says]")) place.textContent = form.dataset[place.dataset.says];
  for (const fold of form.querySelectorAll("details[data-remember]")) {
    if (memory.get(`fold.${fold.dataset.remember}`)) fold.open = true;
    fold.addEventListener("toggle", () => memory.set(`fold.${fold.dataset.remember}`, fold.open));
  }
  for (const shapes of form.querySelectorAll("[data-shapes]")) drawShapes(shapes);
  const wrong = form.querySelector("[aria-invalid=true], .errorlist, [role=alert]:not([hidden])");
  if (wrong) {
    if (wrong.closest("#settings")) openSheet();
    wrong.closest("details")?.setAttribute("open", "");
    (wrong.matches("input, textarea, select") ? wrong : wrong.closest(".field")?.querySelector("canvas, textarea, input:not([type=hidden])"))?.focus();
    wrong.closest(".field")?.querySelector(".errorlist, .errors:not([hidden])")?.scrollIntoView({ block: "nearest" });
    announce(wrong.matches("input, textarea, select") ? wrong.closest(".field").querySelector(".errorlist")?.textContent ?? "" : wrong.textContent);
  } else {
    form.querySelector(".panel-scroll").scrollTop = scrolled;
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
  scrolled = 0;
  focused = "";
  for (const key of form.querySelectorAll("[data-command-key]")) if (/Mac|iPhone|iPad/.test(navigator.platform)) key.textContent = "⌘";
});

// News of an engine does not close its list under somebody's finger.
document.addEventListener("htmx:before:swap", (event) => {
  if (event.detail.ctx.sourceElement?.matches?.("[data-look]") && document.querySelector(".engines[open]")) event.preventDefault();
});

// --- Generate ------------------------------------------------------------------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && panel()?.querySelector("#generate") && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    if (event.repeat) return; // a key that is held down was pressed once
    panel().requestSubmit(panel().querySelector("#generate"));
  } else if (event.key === "p" && panel() && isCommand(event)) {
    event.preventDefault();
    openSheet();
    (panel().elements.prompt ?? panel().querySelector(".templated :is(input:not([type=hidden], [type=color]), textarea, select)"))?.focus();
  }
});
// The same pressed twice while the first is on its way, or right after (the answer may be quicker than a hand), is a double click; something
// else is a second picture, under a key of its own.
const DOUBLE = 600; // ms
const sent = new Map();
let last = { words: "", at: -DOUBLE };
/** What the page adds by itself makes no other picture, least of all what an answer to the first press has just put there. */
const OWN = new Set(["idempotency_key", "csrfmiddlewaretoken", "price_list", "anew"]);
const likeness = (body) => JSON.stringify([...body].filter(([name]) => !OWN.has(name)));

document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement?.id !== "panel" || ctx.request.method !== "POST") return;
  const words = likeness(ctx.request.body);
  const isDouble = sent.has(words) || (last.words === words && performance.now() - last.at < DOUBLE);
  last = { words, at: performance.now() };
  if (isDouble) { event.preventDefault(); return; }
  if (sent.size) ctx.request.body.set("idempotency_key", crypto.getRandomValues(new Uint32Array(4)).join("-"));
  sent.set(words, ctx);
});
document.addEventListener("htmx:finally:request", (event) => {
  for (const [words, ctx] of sent) {
    if (ctx !== event.detail.ctx) continue;
    sent.delete(words);
    if (![200, 422].includes(ctx.response?.status)) last.at = -DOUBLE; // it came to nothing: one may try again at once
  }
});
// Enter in a number field is not Generate: too easily pressed after typing a number.
on("keydown", "#panel input", (event) => {
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && isTyping(event.target)) { event.preventDefault(); event.target.dispatchEvent(new Event("change", { bubbles: true })); }
});

// Another job was paid for, or a team mate spent something: what Generate would leave is another sum now. Or what "is being made" is done, or
// the engine came or went: only one that works is offered for a preview.
const facts = () => [document.getElementById("balance")?.textContent, document.querySelector("[data-look]")?.id].join(" ");
let known = facts();
document.addEventListener("htmx:after:swap", () => {
  const now = facts();
  const awaited = document.getElementById(document.querySelector("#price [data-waits-for]")?.dataset.waitsFor);
  const isDone = awaited && !["approval", "queued", "running"].includes(awaited.dataset.status);
  if ((now === known && !isDone) || !document.getElementById("price")) return;
  known = now;
  window.htmx.trigger("#price", "requote", {}, false);
});

/** What follows from the prompt: the first line of the sheet, and a hint where the engine cannot read it. */
export function promptChanged() {
  showLine();
  showWeightsHelp(panel());
  const hint = panel().querySelector("[data-english-only]");
  const letters = panel().elements.prompt?.value.match(/\p{L}/gu) ?? [];
  if (hint) hint.hidden = 2 * letters.filter((letter) => /\p{Script=Latin}/u.test(letter)).length >= letters.length;
}

// --- fields ------------------------------------------------------------------------------------------------------------------------------------------
on("input", "#panel [name=prompt]", promptChanged);
on("input", "[data-slider] input", (event, input) => {
  for (const other of input.closest("[data-slider]").querySelectorAll("input")) if (other !== input) other.value = input.value;
});
on("change", "#panel [name=size]", (event, radio) => {
  const shown = panel().querySelector("[data-size-shown]");
  if (shown) shown.value = radio.value.replace("x", " × ");
});
// What was wrong is being mended: it need not be red any more.
on("input", "#panel .field.bad", (event, field) => {
  field.classList.remove("bad");
  for (const input of field.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const list of field.querySelectorAll(".errorlist")) list.remove();
});
on("click", "[data-fill]", (event, link) => {
  const field = panel()?.elements.prompt;
  if (!field || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  field.value = link.dataset.fill;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});
on("click", "button[data-seed]", (event, button) => {
  const field = panel().elements.seed;
  if (button.dataset.seed === "random") field.value = "";
  else {
    const seed = document.querySelector(".stage-job[data-seed]")?.dataset.seed;
    if (!seed) { announce("There is no picture on the stage whose seed could be reused."); return; }
    field.value = seed;
  }
  announce(field.value ? `Seed ${field.value}` : "A random seed each time");
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
on("click", "a[data-use]", (event, link) => {
  if (!panel() || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.use === "seed" && link.dataset.seedValue && panel().elements.seed) {
    panel().elements.seed.value = link.dataset.seedValue;
    panel().elements.seed.dispatchEvent(new Event("input", { bubbles: true }));
    announce(`Seed ${link.dataset.seedValue}`);
    if (isSheet()) toast(`Seed ${link.dataset.seedValue} is in the settings.`, { level: "success" });
    return;
  }
  drawFrom(link.href).then(() => {
    announce(`${link.textContent.trim()}: the settings are in the panel.`);
    reveal();
  });
});

// --- free sizes: the usual shapes at the engine's own area, on its grid ------------------------------------------------------------------------------
function drawShapes(box) {
  const form = box.closest("form");
  const grid = Number(box.dataset.multiple);
  const [width, height] = box.dataset.area.split("x").map(Number);
  const snap = (value) => Math.min(Number(box.dataset.most), Math.max(Number(box.dataset.least), Math.round(value / grid) * grid));
  const choices = SHAPES.map(([label, ratio]) => ({ label, ratio, size: [snap(Math.sqrt(width * height * ratio)), snap(Math.sqrt((width * height) / ratio))] }));
  box.replaceChildren(...choices.map(({ label, ratio, size }) => {
    const holder = document.createElement("template");
    const w = Math.min(26, 18 * ratio);
    const h = w / ratio;
    holder.innerHTML = `<label title="${size.join(" × ")} pixels"><input type="radio" name="shape-choice" value="${size.join("x")}"><svg viewBox="0 0 30 22" aria-hidden="true"><rect x="${(30 - w) / 2}" y="${(22 - h) / 2}" width="${w}" height="${h}" rx="2"/></svg><span>${label}</span></label>`;
    return holder.content.firstElementChild;
  }));
  const mark = () => { for (const radio of box.querySelectorAll("input")) radio.checked = radio.value === `${form.elements.width.value}x${form.elements.height.value}`; };
  box.addEventListener("change", (event) => {
    [form.elements.width.value, form.elements.height.value] = event.target.value.split("x");
  });
  form.addEventListener("input", (event) => { if (event.target.matches("[name=width], [name=height]")) mark(); });
  box.hidden = false;
  mark();
}
on("click", "[data-swap-sides]", () => {
  const { width, height } = panel().elements;
  [width.value, height.value] = [height.value, width.value];
  width.dispatchEvent(new Event("input", { bubbles: true }));
});

// One came here with a picture, from its page.
if (page()?.dataset.sheet === "open" && !panel()?.querySelector("[aria-invalid=true], .errorlist")) reveal();
