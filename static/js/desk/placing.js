// The menu that adds what is selected to a gallery: what is typed finds one, or names a new one.
import { on } from "../dom.js";
import { isCommand } from "../hotkeys.js";
import { current } from "../library.js";
import { choose, selected } from "./selection.js";

const menu = () => document.querySelector("[data-placing]");
const field = () => menu().querySelector("[name=new_gallery]");
const all = () => [...menu().querySelectorAll("button[name=gallery]")];
const plain = (text) => text.normalize("NFKC").trim().toLowerCase();

function find() {
  const wanted = plain(field().value);
  for (const button of all()) button.hidden = !plain(button.textContent).includes(wanted);
  menu().querySelector("[data-with]").disabled = !wanted || all().some((button) => plain(button.textContent) === wanted);
}

on("input", "[data-placing] [name=new_gallery]", find);
// Enter takes the gallery of that name, or the only one that is left, else it makes one.
on("keydown", "[data-placing] [name=new_gallery]", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  const left = all().filter((button) => !button.hidden);
  const wanted = plain(field().value);
  const button = left.find((one) => plain(one.textContent) === wanted) ?? (left.length === 1 && wanted ? left[0] : menu().querySelector("[data-with]"));
  button.click();
});
document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.("[data-placing]") || !event.target.open) return;
  field().value = "";
  find();
  field().focus();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "a" || !menu() || !isCommand(event) || event.target.closest?.("details[open]")) return;
  if (!selected().length && current()) choose([current().id.slice(2)], true);
  if (!selected().length) return;
  event.preventDefault();
  menu().open = true;
});
