// The page on which a template is written: keys, and what must not get lost.
import { on, whenever } from "../dom.js";
import "./colours.js";
import "./fields.js";
import "./offers.js";

const form = () => document.querySelector("[data-editor]");
let isDirty = false;
let isLeaving = false;

function touched() {
  if (isDirty || !form()) return;
  isDirty = true;
  const publish = document.querySelector("[data-publish-newest]");
  if (publish) publish.textContent = "Save and publish";
}

for (const kind of ["input", "change", "editor-changed"]) document.addEventListener(kind, (event) => { if (event.target.closest?.("[data-editor]")) touched(); }, true);
// What the button at the top publishes is what one sees, not what was saved before it.
on("click", "[data-publish-newest]", (event) => {
  if (!isDirty) return;
  event.preventDefault();
  document.getElementById("publish").click();
});
document.addEventListener("submit", (event) => { if (event.target === form()) isLeaving = true; });
addEventListener("beforeunload", (event) => { if (isDirty && !isLeaving) event.preventDefault(); });
// After a refused save: to the first thing that does not fit, else to what is said of the whole.
whenever("#problem", (note) => {
  const first = document.querySelector("main .bad :is(input:not([type=hidden]), textarea, select):not([hidden])");
  first?.closest("details")?.setAttribute("open", "");
  (first ?? note).focus();
});
// What is said beside the start of a field goes once it fits: "Try it" knows.
document.addEventListener("htmx:finally:request", () => {
  for (const told of document.querySelectorAll("[data-field] [id$='-default-error']")) {
    const name = told.closest("[data-field]").querySelector("[data-part-of=name]").value;
    const tried = document.getElementById(`try-${name}-box`);
    if (!tried || tried.classList.contains("bad")) continue;
    const area = told.closest(".field");
    area.classList.remove("bad");
    for (const control of area.querySelectorAll("[aria-invalid]")) { control.removeAttribute("aria-invalid"); control.removeAttribute("aria-describedby"); }
    told.remove();
  }
});
addEventListener("pageshow", () => { isLeaving = false; });
document.addEventListener("keydown", (event) => {
  if (!form() || event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  event.preventDefault();
  document.getElementById("save").click();
});
