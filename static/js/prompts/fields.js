// The fields of a template: added, moved, taken out without a request, and shown in the prompt, in the legend and in their own line at once.
import { announce, make, on, whenever } from "../dom.js";
import { colours, paintAll } from "./colours.js";

const BRACES = /\\[\s\S]|\{([A-Za-z][A-Za-z0-9_]*)\}/g;
const NAME = /^[a-z][a-z0-9_]{0,39}$/;
const list = () => document.querySelector("[data-fields]");
const part = (row, name) => row.querySelector(`[data-part-of=${name}]`);
const rows = () => [...(list()?.children ?? [])];
const changed = () => document.getElementById("editor")?.dispatchEvent(new CustomEvent("editor-changed"));

/** A new field at the end, open and with the caret in it, unless `focus` is false: then whoever writes goes on writing. */
export function addField(name = "", { focus = true } = {}) {
  const blank = document.querySelector("[data-field-blank]");
  const taken = new Set(rows().map((row) => row.dataset.field));
  let key = taken.size;
  while (taken.has(String(key))) key += 1;
  const holder = make("div");
  holder.append(blank.content.cloneNode(true));
  holder.innerHTML = holder.innerHTML.replaceAll("f-new-", `f-${key}-`).replaceAll("field.new.", `field.${key}.`);
  const row = holder.firstElementChild.matches("[data-field]") ? holder.firstElementChild : holder.querySelector("[data-field]");
  row.dataset.field = String(key);
  for (const button of row.querySelectorAll("[data-field-move]")) button.value = `field:${button.dataset.fieldMove}:${key}`;
  list().append(row);
  part(row, "name").value = name;
  row.querySelector("details").open = focus;
  refresh();
  if (focus) (name ? part(row, "type") : part(row, "name")).focus();
  announce(name ? `Field ${name} added` : "Field added");
  changed();
  return row;
}

function move(row, way) {
  const name = part(row, "name").value || "the field";
  if (way === "remove") {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector("summary") ?? document.querySelector("[data-field-add]")).focus();
    announce(`${name} is out`);
  } else {
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    const other = way === "up" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (way === "up") other.before(row); else other.after(row);
    focused?.focus();
    announce(`${name} is number ${rows().indexOf(row) + 1} of ${rows().length}`);
  }
  refresh();
  changed();
}

/** What a field takes, in words, as the server puts it. */
function kindOf(row) {
  const type = part(row, "type");
  const choices = part(row, "choices").value.split("\n").filter((line) => line.trim()).length;
  const words = { choice: `choice of ${choices}`, multi_choice: `several of ${choices}` }[type.value] ?? type.selectedOptions[0].text.toLowerCase();
  return part(row, "required").checked && type.value !== "yes_no" ? `${words}, required` : words;
}

/** Beside the text of a default: a picker for a colour, a list for choices. The text is what counts. */
function picker(row) {
  const text = part(row, "default");
  const type = part(row, "type").value;
  let box = row.querySelector("[data-picker]");
  const kind = { colour: "colour", choice: "list", yes_no: "list" }[type] ?? "";
  if (box?.dataset.picker !== kind) { box?.remove(); box = null; }
  text.hidden = kind === "list";
  if (!kind) return;
  if (!box) {
    box = kind === "colour" ? make("input", { type: "color", class: "colour" }) : make("select");
    box.dataset.picker = kind;
    box.setAttribute("aria-label", "It starts with");
    box.addEventListener("input", (event) => { event.stopPropagation(); text.value = box.value; text.dispatchEvent(new Event("input", { bubbles: true })); });
    box.addEventListener("change", (event) => event.stopPropagation());
    text.after(box);
  }
  if (kind === "colour") { if (/^#[0-9a-f]{6}$/i.test(text.value)) box.value = text.value; return; }
  const choices = type === "yes_no" ? ["yes", "no"] : part(row, "choices").value.split("\n").map((line) => line.trim()).filter(Boolean);
  const wanted = ["", ...choices, ...(text.value && !choices.includes(text.value) ? [text.value] : [])];
  if (wanted.join("\n") !== [...box.options].map((one) => one.value).join("\n")) box.replaceChildren(...wanted.map((one) => make("option", { value: one }, one || "nothing")));
  box.value = text.value;
}

/** Everything that follows from the fields: their lines, their colours, the legend, and names that are no field. */
export function refresh() {
  if (!list()) return;
  rows().forEach((row, place) => {
    const name = part(row, "name").value.trim();
    const swatch = row.querySelector("[data-swatch]");
    swatch.className = `sw f${(place % 6) + 1}`;
    row.querySelector("[data-shows=name]").textContent = name || "new field";
    row.querySelector("[data-shows=kind]").textContent = kindOf(row);
    const start = part(row, "default").value.trim();
    row.querySelector("[data-shows=default]").textContent = start ? `“${start.slice(0, 40)}”` : "";
    const words = { up: `Move ${name || "the field"} up`, down: `Move ${name || "the field"} down`, remove: `Take ${name || "the field"} out` };
    for (const button of row.querySelectorAll("[data-field-move]")) button.setAttribute("aria-label", words[button.dataset.fieldMove]);
    row.querySelector("[data-field-move=up]").disabled = place === 0;
    row.querySelector("[data-field-move=down]").disabled = place === rows().length - 1;
    picker(row);
  });
  document.querySelector("[data-no-fields]").hidden = rows().length > 0;
  legend();
  unknown();
  paintAll();
}

function legend() {
  const line = document.querySelector("[data-legend]");
  const fixed = [...line.children].filter((one) => !one.querySelector("[class*='sw f']"));
  const named = [...colours()].filter(([name]) => name).map(([name, number]) => make("span", { class: "row" }, make("i", { class: `sw f${number}` }), name));
  line.replaceChildren(...named, ...fixed);
}

function unknown() {
  const known = colours();
  const names = new Map();
  for (const area of document.querySelectorAll("[data-prompt]")) {
    for (const [, name] of area.value.matchAll(BRACES)) if (name && !known.has(name) && NAME.test(name.toLowerCase())) names.set(name, name.toLowerCase());
  }
  const box = document.querySelector("[data-unknown]");
  const wanted = [...names.keys()].slice(0, 8).join(" ");
  if (box.dataset.names === wanted) return;
  box.dataset.names = wanted;
  box.replaceChildren(...[...names].slice(0, 8).map(([name, field]) => make("p", { class: "s" }, make("code", {}, `{${name}}`), make("span", { class: "muted" }, " is no field, so it stays as it is. "),
    make("button", { type: "button", class: "link strong", "data-make-field": field, "data-as": name }, "Make it a field"))));
}

on("click", "[data-field-add]", (event) => { event.preventDefault(); addField(); });
on("click", "[data-field-move]", (event, button) => { event.preventDefault(); move(button.closest("[data-field]"), button.dataset.fieldMove); });
on("click", "[data-make-field]", (event, button) => {
  event.preventDefault();
  const { makeField: field, as = field } = button.dataset;
  if (as !== field) for (const area of document.querySelectorAll("[data-prompt]")) area.value = area.value.replaceAll(`{${as}}`, `{${field}}`);
  if (colours().has(field)) { refresh(); changed(); } else addField(field);
});
on("keydown", "[data-field]", (event, row) => {
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) { event.preventDefault(); move(row, event.key === "ArrowUp" ? "up" : "down"); }
  // Enter in a line of a field saves nothing by mistake.
  if (event.key === "Enter" && event.target.matches("input:not([type=checkbox])")) event.preventDefault();
});
for (const kind of ["input", "change"]) on(kind, "[data-fields]", refresh);
on("input", "[data-prompt]", unknown);
whenever("[data-fields]", refresh);
