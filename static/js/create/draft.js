// What stands in the panel survives a reload, a lost session and a closed laptop: a draft in this tab, of this person only.
import { memory, on, whenever } from "../dom.js";
import { panel, promptChanged, redraw } from "./panel.js";

const OWN = ["csrfmiddlewaretoken", "idempotency_key", "price_list", "shape-choice"];
/** What decides how the panel is drawn, beside the files in its slots: the server's word counts. */
const DRAWN = ["engine", "mode", "source", "template"];
/** Characters of a value that a redraw need not carry: it is filled in afterwards. */
const LONG = 500;
const filled = () => [...panel().querySelectorAll("[data-slot] input[type=hidden]")].map((field) => field.name);
const page = document.querySelector("[data-create]");
let timer = 0;
/** Somebody is typing already: what they write now counts more than what they wrote then. */
let isTouched = false;

function save() {
  clearTimeout(timer);
  if (!panel()) return;
  const fields = {};
  for (const [name, value] of new FormData(panel())) {
    if (OWN.includes(name) || typeof value !== "string") continue;
    fields[name] = name in fields && name.startsWith("field_") ? [fields[name], value].flat() : value;
  }
  memory.set("draft", { user: page.dataset.user, fields, files: filled() });
}

function fill(fields, drawn) {
  for (const [name, value] of Object.entries(fields)) {
    const field = panel().elements[name];
    if (!field || OWN.includes(name) || drawn.includes(name)) continue;
    const boxes = field instanceof RadioNodeList ? [...field].filter((one) => one.type === "checkbox") : [];
    if (boxes.length === 1 && boxes[0].value === "true") boxes[0].checked = [value].flat().at(-1) === "true";
    else if (boxes.length) for (const box of boxes) box.checked = [value].flat().includes(box.value);
    else if (field instanceof RadioNodeList) { if ([...field].some((radio) => radio.value === value)) field.value = value; }
    else if (field.type === "radio") field.checked = field.value === value;
    else field.value = value;
    if (field instanceof HTMLElement) for (const slider of field.closest("[data-slider]")?.querySelectorAll("input") ?? []) slider.value = value;
  }
}

async function restore() {
  const draft = memory.get("draft");
  const asked = new URLSearchParams(location.search);
  // An address that names a template begins it anew, but not when the page is only loaded once more.
  const isAgain = ["reload", "back_forward"].includes(performance.getEntriesByType("navigation")[0]?.type);
  const isPlain = [...asked.keys()].every((name) => ["job", "selected", ...(isAgain ? ["template", "version"] : [])].includes(name));
  const isFailed = panel().querySelector(".errorlist");
  if (!draft || draft.user !== page.dataset.user || !isPlain || isFailed) return;
  const { fields } = draft;
  const { elements } = panel();
  const typed = elements.prompt?.value ?? "";
  isTouched ||= ![elements.prompt?.defaultValue ?? "", fields.prompt ?? ""].includes(typed); // before this script was here
  if (isTouched) return;
  const drawn = [...DRAWN, ...filled(), ...(draft.files ?? [])];
  const isOther = drawn.some((name) => (fields[name] ?? "") !== (elements[name]?.value ?? ""));
  if (isOther) {
    const { prompt, negative_prompt, ...short } = Object.fromEntries(Object.entries(fields).filter(([, value]) => value.length <= LONG));
    for (const name of drawn) if (name !== "engine" && name !== "mode") short[name] ||= null;
    const leave = (event) => { if (isTouched) event.preventDefault(); };
    document.addEventListener("htmx:before:swap", leave);
    await redraw({ ...short, prompt: null, negative_prompt: null });
    document.removeEventListener("htmx:before:swap", leave);
  }
  if (isTouched) return;
  fill(fields, drawn);
  promptChanged();
  requote();
}

/** Ask for the price of what was filled in, once htmx listens: a page that was just loaded it takes in hand only when this has run. */
function requote() {
  const ask = () => window.htmx.trigger("#price", "requote", {}, false);
  if (document.getElementById("requote").hasAttribute("data-htmx-powered")) { ask(); return; }
  document.addEventListener("htmx:after:init", function heard(event) {
    if (event.target.id !== "requote") return;
    document.removeEventListener("htmx:after:init", heard);
    ask();
  });
}

if (page && panel()) {
  document.addEventListener("input", (event) => { if (event.target.closest?.("#panel")) isTouched = true; }, { capture: true });
  // Who goes to the words to write must not find them gone: letters would fall on a page that takes them for commands.
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, ({ target }) => { if (target.closest?.("#panel textarea")) isTouched = true; }, { capture: true });
  restore().finally(() => {
    document.addEventListener("input", (event) => { if (event.target.closest?.("#panel")) { clearTimeout(timer); timer = setTimeout(save, 250); } });
    document.addEventListener("change", (event) => { if (event.target.closest?.("#panel")) save(); });
    document.addEventListener("htmx:after:swap", save);
    addEventListener("pagehide", save);
    whenever("form[data-panel]", save);
  });
}
// A draft is nobody else's: it goes with the person who signs out.
on("submit", 'form[action$="/logout/"]', () => memory.set("draft", null), true);
