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
on("input", "#panel [data-colour-of]", (event, swatch) => { form().elements[swatch.dataset.colourOf].value = swatch.value; });
on("input", "#panel .colour-row input[type=text]", (event, field) => {
  const swatch = field.parentElement.querySelector("[data-colour-of]");
  if (swatch && /^#[0-9a-f]{6}$/i.test(field.value)) swatch.value = field.value.toLowerCase();
});
document.addEventListener("htmx:after:swap", () => {
  for (const said of document.querySelectorAll("#words [data-colour]")) {
    const words = form().querySelector(`[data-colour-words="${said.dataset.colour}"]`);
    if (words) words.value = said.value;
  }
});

// --- pages that begin with what stands in the panel -----------------------------------------------------------------------------------------
const OWN = ["csrfmiddlewaretoken", "idempotency_key", "price_list", "preview_list", "source"];
const LONG = 6000; // characters of an address
on("click", "[data-with-settings]", (event, link) => {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form())) if (typeof value === "string" && value && !OWN.includes(name)) query.append(name, value);
  if (String(query).length < LONG) link.href = `${link.dataset.withSettings}?${query}`;
});

// A template that was just picked begins with its first field.
let isPicked = false;
export const beginWithTheFields = () => { isPicked = true; };
whenever("form[data-panel]", (panel) => {
  if (!isPicked) return;
  isPicked = false;
  panel.querySelector(".templated :is(input:not([type=hidden], [type=color]), textarea, select)")?.focus();
});
