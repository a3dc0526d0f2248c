// The page of the API: search while one types, and keep the language of the examples. Without it, the search is a page of its own.
import { on } from "../dom.js";

const KEPT = "api-language";
const field = document.querySelector("#docs-q");
const found = document.querySelector("[data-docs-found]");
const none = document.querySelector("[data-docs-none]");
const contents = document.querySelector("[data-docs-contents]");

const kept = localStorage.getItem(KEPT);
if (kept) {
  const choice = document.querySelector(`.docs-languages input[value="${CSS.escape(kept)}"]`);
  if (choice) choice.checked = true;
}
on("change", ".docs-languages input", (event, choice) => localStorage.setItem(KEPT, choice.value));

if (matchMedia("(max-width: 820px)").matches) contents.open = false;
on("click", "[data-docs-contents] a", () => {
  if (matchMedia("(max-width: 820px)").matches) contents.open = false;
});

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const part of document.querySelectorAll("[data-docs-part]")) {
    let some = false;
    for (const one of part.querySelectorAll("[data-words]")) {
      one.hidden = !words.every((word) => one.dataset.words.includes(word));
      some ||= !one.hidden;
      if (!one.hidden && one.matches("article")) count += 1;
    }
    part.hidden = !some;
  }
  none.hidden = count > 0;
  found.textContent = words.length ? `${count} operation${count === 1 ? "" : "s"} with “${field.value.trim()}”` : "";
}

on("input", "#docs-q", search);
on("submit", "[data-docs-search]", (event) => {
  event.preventDefault();
  search();
  document.querySelector("article[data-words]:not([hidden])")?.focus();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  field.focus();
});
if (field.value) search();
