// Dialogs over the panel: the templates to pick from, and what one wrote before. Alt with ↑ and ↓ brings that back into the prompt.
import { announce, on } from "../dom.js";
import { headers, sentenceFor } from "../requests.js";
import { drawFrom, panel, reveal } from "./panel.js";
import { beginWithTheFields } from "./words.js";

const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey;

/** Fill a dialog and show it. */
function open(dialog, place, url) {
  window.htmx.ajax("GET", url, { target: place, swap: "outerHTML", source: dialog }).then(() => { if (!dialog.open) dialog.showModal(); });
}

const templates = document.getElementById("template-picker");
if (templates) {
  on("click", "[data-pick-template]", (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    open(templates, "#templates-to-pick", templates.dataset.url);
  });
  on("click", "#template-picker [data-pick]", (event, link) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    templates.close();
    beginWithTheFields();
    drawFrom(link.href).then(() => {
      announce(`${link.textContent.trim()}: fill in its fields.`);
      reveal();
    });
  });
}

// --- what one wrote before --------------------------------------------------------------------------------------------------------------------
const history = document.getElementById("prompt-history");
const prompt = () => panel()?.elements.prompt;
/** What was written before, the newest first; asked for once, and again after each press on Generate, or when it failed. */
let known = null;
/** Which of them stands in the prompt; -1 is what is being written, which `own` keeps meanwhile. */
let at = -1;
let own = "";
let isOurs = false;

async function load() {
  const answer = await fetch(history.dataset.url, { headers: headers({ "HX-Request": "true" }) });
  if (!answer.ok) throw new Error(sentenceFor(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return [...page.querySelectorAll("[data-recall]")].map((link) => link.textContent);
}

function put(text) {
  const field = prompt();
  isOurs = true;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  isOurs = false;
  field.setSelectionRange(text.length, text.length);
}

async function recall(step) {
  const asked = known ??= load();
  let all;
  try { all = await asked; } catch {
    if (known === asked) known = null; // the next press asks again
    announce("What you wrote before could not be fetched. Press again in a moment.");
    return;
  }
  if (!prompt()) return;
  if (at < 0) own = prompt().value;
  const found = all.filter((one) => one !== own.trim());
  if (at >= 0 && found[at] !== prompt().value) at = found.indexOf(prompt().value); // the list is another since a press
  const next = Math.min(found.length - 1, Math.max(-1, at + step));
  if (next === at) { announce(step > 0 ? "That is the oldest." : "That is what you are writing."); return; }
  at = next;
  put(at < 0 ? own : found[at]);
  announce(at < 0 ? "What you were writing" : `${at + 1} of ${found.length}: ${found[at].slice(0, 120)}`);
}

if (history) {
  on("keydown", "#panel [name=prompt]", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    recall(event.key === "ArrowUp" ? 1 : -1);
  });
  on("input", "#panel [name=prompt]", () => { if (!isOurs) at = -1; });
  const isPress = ({ detail: { ctx } }) => ctx.request?.method === "POST" && ctx.sourceElement?.id === "panel";
  // What is recalled between the press and its answer is recalled still when that comes.
  document.addEventListener("htmx:config:request", (event) => { if (isPress(event)) at = -1; });
  document.addEventListener("htmx:after:swap", (event) => { if (isPress(event)) known = null; });
  on("click", "[data-history]", (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    open(history, "#history", history.dataset.url);
  });
  on("click", "#prompt-history [data-recall]", (event, link) => {
    if (!isPlain(event) || !prompt()) return;
    event.preventDefault();
    history.close();
    at = -1;
    put(link.textContent);
    prompt().focus();
  });
}
