// The pages of a batch: Ctrl+Enter presses, a file that was chosen is named, and a redraw loses neither.
import { on } from "../dom.js";

document.addEventListener("keydown", (event) => {
  const press = document.querySelector("[data-bench] #generate");
  if (!press || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  press.click();
});

on("change", "[data-bench] input[type=file]", (event, input) => {
  const name = input.files[0]?.name;
  const shown = input.closest("form").querySelector("[data-file-name]");
  shown.dataset.before ??= shown.textContent;
  shown.textContent = name ?? shown.dataset.before;
});
