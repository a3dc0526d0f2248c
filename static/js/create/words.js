// The words as they come out, while somebody types: asked for with the price, so that the answer to the last change is the one that is drawn.
import { on, whenever } from "../dom.js";

const PAUSE = 300; // ms
const VARIES = /[{|}]|__/;
const form = () => document.getElementById("panel");
let timer = 0;

const isWritten = (area) => area.form.elements.template || VARIES.test(area.value) || !document.getElementById("words")?.hidden;
on("input", "#panel textarea", (event, area) => {
  clearTimeout(timer);
  if (isWritten(area)) timer = setTimeout(() => form() && window.htmx.trigger("#price", "requote", {}, false), PAUSE);
});

// --- colours: the swatch and the text beside it say the same, and the prompt says it in words -----------------------------------------------
on("input", "[data-colour-of]", (event, swatch) => { swatch.form.elements[swatch.dataset.colourOf].value = swatch.value; });
on("input", ".colour-row input[type=text]", (event, field) => {
  const swatch = field.parentElement.querySelector("[data-colour-of]");
  if (swatch && /^#[0-9a-f]{6}$/i.test(field.value)) swatch.value = field.value.toLowerCase();
});
document.addEventListener("htmx:after:swap", () => {
  for (const said of document.querySelectorAll("data[data-colour]")) {
    const words = document.querySelector(`[data-colour-words="${said.dataset.colour}"]`);
    if (words) words.value = said.value;
  }
});

// --- pages that begin with what stands in the panel -----------------------------------------------------------------------------------------
const OWN = ["csrfmiddlewaretoken", "idempotency_key", "price_list", "preview_list", "source", "digest"];
const LONG = 6000; // characters of an address: what is longer stays behind
on("click", "[data-with-settings]", (event, link) => {
  const filled = form() ?? document.getElementById("bench");
  const data = new FormData(filled);
  // What the page came with and has no place for goes on with it: the prompt, on the way from a grid to a table and back.
  const query = new URLSearchParams(filled.id === "bench" ? location.search : "");
  for (const name of [...data.keys(), ...OWN]) query.delete(name);
  const fits = (value) => String(query).length + encodeURIComponent(value).length < LONG;
  for (const [name, value] of data) if (typeof value === "string" && value && !OWN.includes(name) && fits(value)) query.append(name, value);
  link.href = `${link.dataset.withSettings}?${query}`;
});

// A template that was just picked begins with its first field.
let isPicked = false;
export const beginWithTheFields = () => { isPicked = true; };
whenever("form[data-panel]", (panel) => {
  if (!isPicked) return;
  isPicked = false;
  panel.querySelector(".templated :is(input:not([type=hidden], [type=color]), textarea, select)")?.focus();
});
