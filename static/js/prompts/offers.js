// What `{` offers while somebody writes a prompt: the fields by name, a new one, alternatives. Arrows choose, Enter takes, Escape closes.
import { announce, make, on } from "../dom.js";
import { colours } from "./colours.js";
import { addField } from "./fields.js";

const OPEN = /(?:^|[^\\])\{([A-Za-z0-9_]{0,40})$/;
const NAME = /^[a-z][a-z0-9_]*$/;
let shown = null; // {area, list, start, options, at}

function close() {
  if (!shown) return;
  shown.list.remove();
  shown.area.removeAttribute("aria-controls");
  shown.area.removeAttribute("aria-activedescendant");
  shown = null;
}

/** The options for what stands between the brace and the caret. */
function optionsFor(typed) {
  const word = typed.toLowerCase();
  const known = [...colours()].filter(([name]) => name);
  const starts = known.filter(([name]) => name.startsWith(word));
  const found = (starts.length ? starts : known.filter(([name]) => name.includes(word))).map(([name, number]) => ({ name, number, text: `{${name}}` }));
  if (NAME.test(word) && !known.some(([name]) => name === word)) found.push({ name: word, isNew: true, text: `{${word}}` });
  if (!word) found.push({ name: "alternatives", text: "{one|another}", hint: "{one|another}" });
  return found;
}

function offer(area) {
  const caret = area.selectionEnd;
  const open = area.selectionStart === caret ? OPEN.exec(area.value.slice(0, caret)) : null;
  const options = open ? optionsFor(open[1]) : [];
  close();
  if (!options.length) return;
  const start = caret - open[1].length - 1;
  const list = make("ul", { class: "offers", id: "offers", role: "listbox", "aria-label": "Fields" });
  options.forEach((one, place) => {
    const words = one.isNew ? `New field “${one.name}”` : one.name;
    const swatch = make("i", { class: one.number ? `sw f${one.number}` : one.isNew ? "sw" : "sw alt" });
    const item = make("li", { id: `offer-${place}`, role: "option", "aria-selected": "false" }, swatch, words, ...(one.hint ? [make("span", { class: "faint" }, one.hint)] : []));
    item.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(place); take(); });
    list.append(item);
  });
  area.after(list);
  shown = { area, list, start, caret, options, at: -1 };
  area.setAttribute("aria-controls", "offers");
  place(area, start, list);
  const isSure = options[0].number && (open[1] || options.length > 1);
  if (isSure) choose(0);
  announce(`${options.length} to choose from with the arrows`);
}

/** Under the brace, as the layer behind the text shows where it is. */
function place(area, start, list) {
  const mirror = area.parentElement.querySelector(".ink-mirror");
  const walker = document.createTreeWalker(mirror, NodeFilter.SHOW_TEXT);
  let left = start;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (left > node.length) { left -= node.length; continue; }
    const range = document.createRange();
    range.setStart(node, left);
    range.setEnd(node, Math.min(node.length, left + 1));
    const spot = range.getBoundingClientRect();
    const box = area.parentElement.getBoundingClientRect();
    list.style.top = `${spot.bottom - box.top + 4}px`;
    list.style.left = `${Math.max(0, Math.min(spot.left - box.left, box.width - list.offsetWidth))}px`;
    return;
  }
}

function choose(at) {
  shown.at = at;
  [...shown.list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === at)));
  shown.list.children[at]?.scrollIntoView({ block: "nearest" });
  if (at >= 0) shown.area.setAttribute("aria-activedescendant", `offer-${at}`);
}

function take() {
  const { area, start, caret, options, at } = shown;
  const one = options[at];
  close();
  area.focus();
  area.setSelectionRange(start, area.value[caret] === "}" ? caret + 1 : caret);
  // As if it had been typed: so that it can be undone.
  if (!document.execCommand("insertText", false, one.text)) area.setRangeText(one.text, start, caret, "end");
  if (one.hint) area.setSelectionRange(start + 1, start + 4);
  if (one.isNew) addField(one.name, { focus: false });
  close();
}

on("input", "[data-prompt]", (event, area) => offer(area));
on("keydown", "[data-prompt]", (event, area) => {
  if (!shown || shown.area !== area || event.isComposing) return;
  const count = shown.options.length;
  if (event.key === "ArrowDown") choose((shown.at + 1) % count);
  else if (event.key === "ArrowUp") choose((shown.at + count - (shown.at < 0 ? 0 : 1)) % count);
  else if (event.key === "Enter" && shown.at >= 0) take();
  else if (event.key === "Escape") close();
  else { if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close(); return; }
  event.preventDefault();
  event.stopPropagation();
});
on("focusout", "[data-prompt]", close);
on("pointerdown", "[data-prompt]", close);
