// The page on which a template is written: keys, and what must not get lost.
import { on } from "../dom.js";
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
addEventListener("pageshow", () => { isLeaving = false; });
document.addEventListener("keydown", (event) => {
  if (!form() || event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
  event.preventDefault();
  document.getElementById("save").click();
});
