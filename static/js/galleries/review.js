// The queue of what waits: arrows walk, a approves, r asks why not, x chooses. Everything is a button of its form as well.
import { announce, on } from "../dom.js";
import { isCommand } from "../hotkeys.js";

const items = () => [...document.querySelectorAll("[data-review-item]")];
const current = () => document.activeElement?.closest?.("[data-review-item]");
let place = 0;
let decided = false;

function inNextRow(from, direction) {
  const box = from.getBoundingClientRect();
  const found = items().map((item) => ({ item, box: item.getBoundingClientRect() })).filter((one) => direction * (one.box.top - box.top) > 4);
  found.sort((one, other) => direction * (one.box.top - other.box.top) || Math.abs(one.box.left - box.left) - Math.abs(other.box.left - box.left));
  return found[0]?.item;
}

function choose(item, on = true) {
  const box = item.querySelector("input[name=item]");
  box.checked = on;
  return box;
}

// The first is the current one from the start, if it is in sight: no key decides on what nobody sees.
const first = items()[0];
if (first && document.activeElement === document.body && !document.querySelector("[data-review-queue] [autofocus]")) {
  const box = first.getBoundingClientRect();
  if (box.top < innerHeight - 100) first.focus({ preventScroll: true, focusVisible: true });
}

document.addEventListener("keydown", (event) => {
  if (!document.querySelector("[data-review-queue]") || !isCommand(event) || event.shiftKey) return;
  const all = items();
  const here = current();
  if (event.key.startsWith("Arrow")) {
    const at = all.indexOf(here);
    const next = here ? { ArrowLeft: all[at - 1], ArrowRight: all[at + 1], ArrowUp: inNextRow(here, -1), ArrowDown: inNextRow(here, 1) }[event.key] : all[0];
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return;
  }
  if (!here) return;
  const act = {
    a: () => here.querySelector("button[name=approve]").click(),
    r: () => {
      const form = here.closest("form");
      for (const box of form.querySelectorAll("input[name=item]")) box.checked = false;
      choose(here);
      form.querySelector("input[name=reason]").focus();
      announce("Say why, then press Enter.");
    },
    x: () => choose(here, !here.querySelector("input[name=item]").checked),
    Enter: () => event.target === here && here.querySelector("a").click(),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  place = all.indexOf(here);
  act();
});

// Enter in the field of reasons rejects; the first button of the form would approve.
on("keydown", "input[name=reason]", (event, field) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  field.form.querySelector("button[name=reject]").click();
});
on("keydown", "input[name=reason]", (event, field) => { if (event.key === "Escape") (items().find((item) => item.querySelector(":checked")) ?? field).focus(); });
on("change", "[data-choose-all]", (event, all) => { for (const box of all.form.querySelectorAll("input[name=item]")) box.checked = all.checked; });
on("click", "[data-review-item] button[name=approve]", (event, button) => { place = items().indexOf(button.closest("[data-review-item]")); });

on("submit", "[data-review-queue] form", () => { decided = true; });

// The queue was swapped: go on with what stands where the last one stood.
document.addEventListener("htmx:after:swap", () => {
  if (!decided || document.activeElement !== document.body) return;
  decided = false;
  const all = items();
  (all[Math.min(place, all.length - 1)] ?? document.getElementById("main"))?.focus({ preventScroll: true });
});
