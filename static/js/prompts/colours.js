// A prompt's fields, alternatives, wildcards and locked words in colour: a layer behind a textarea that holds the same words, unseen.
// The textarea stays what it is. `stretches` reads a text as `studio/prompts/colouring.py` does.
import { make, whenever } from "../dom.js";

const COLOURS = 6;
const SIGN = /\\[\s\S]|\{|\}|\||__[\p{L}\p{N}](?:[\p{L}\p{N}]|[-/.]|_(?!_)){0,63}__/gu;
const AMOUNT = /^\{\s*\d{1,4}(-\d{1,4})?\$\$/;

/** The names of the fields in their order, each with the number of its colour. */
export function colours() {
  const names = [...document.querySelectorAll("[data-fields] [data-part-of=name]")].map((input) => input.value.trim());
  return new Map(names.map((name, place) => [name, (place % COLOURS) + 1]));
}

/** Where the braces and bars of alternatives are: those that are closed and have a bar, or an amount, of their own. */
function groups(text) {
  const found = new Set();
  const opened = [];
  for (const { 0: sign, index } of text.matchAll(SIGN)) {
    if (sign === "{") opened.push([index]);
    else if ((sign === "|" || sign === "}") && opened.length) {
      opened.at(-1).push(index);
      if (sign !== "}") continue;
      const family = opened.pop();
      if (family.length > 2 || AMOUNT.test(text.slice(family[0], family[0] + 16))) for (const at of family) found.add(at);
    }
  }
  return found;
}

/** The text in pieces: [words, class], the class empty for plain ones. */
export function stretches(text, known, plain = "") {
  const meant = groups(text);
  const found = [];
  let at = 0;
  let depth = 0;
  const put = (words, look) => { if (words) found.push([words, look]); };
  for (const { 0: sign, index } of text.matchAll(SIGN)) {
    if (index < at) continue;
    let end = index + sign.length;
    let look;
    if (sign.startsWith("__")) look = "wild";
    else if (meant.has(index)) look = "alt";
    else if (sign === "{") {
      const close = text.indexOf("}", index);
      const name = close > 0 && close - index < 64 ? text.slice(index + 1, close) : "";
      if (!name || !known.has(name)) continue;
      look = `f${known.get(name)}`;
      end = close + 1;
    } else continue;
    put(text.slice(at, index), depth ? "alt" : plain);
    if (look === "alt") depth += { "{": 1, "}": -1 }[sign] ?? 0;
    put(text.slice(index, end), look);
    at = end;
  }
  put(text.slice(at), plain);
  return found;
}

function paint(area, mirror, known = colours()) {
  mirror.replaceChildren(...stretches(area.value, known).map(([words, look]) => (look ? make("mark", { class: look }, words) : words)), "\n");
  mirror.style.width = `${area.clientWidth + 2}px`; // without the bar that a long text is scrolled by
  mirror.scrollTop = area.scrollTop;
}

/** Colour every text anew, after the fields have changed. */
export function paintAll() {
  const known = colours();
  for (const box of document.querySelectorAll("[data-ink]")) paint(box.querySelector("textarea"), box.querySelector(".ink-mirror"), known);
}

whenever("[data-ink]", (box) => {
  const area = box.querySelector("textarea");
  const mirror = make("div", { class: "ink-mirror", "aria-hidden": "true", dir: area.dir || "auto" });
  box.prepend(mirror);
  area.addEventListener("input", () => paint(area, mirror));
  area.addEventListener("scroll", () => { mirror.scrollTop = area.scrollTop; });
  new ResizeObserver(() => paint(area, mirror)).observe(area);
});
