// Weights in a prompt, `(red:1.2)`: Ctrl/⌘ with ↑ or ↓ changes that of the words selected, or of the word at the caret. In every textarea
// with `data-weights`. What a weight is, `studio/backends/weights.py` says; here it is read the same.
import { announce, on } from "../dom.js";

const STEP = 0.1;
const LEAST = 0.1;
const MOST = 2;
const TOKEN = /\\[()[\]{}|:_\\]|:\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\s*\)|[()]|[^\\():]+|[\\:]/g;
const HAS_WORD = /\p{L}|[^\x00-\x7f]/u;
/** What a caret stands in: a field of a template with its braces, or a word. */
const WORDS = /\{[^{}|]*\}|[^\s()[\]{}|\\:,.;!?"]+/g;

/** The groups that carry a weight, inner ones first: `start` and `end` of the whole, `from` and `to` of the words. */
export function groups(text) {
  const found = [];
  const opened = [];
  let words = 0;
  for (const { 0: token, 1: number, index } of text.matchAll(TOKEN)) {
    if (token === "(") opened.push({ start: index, before: words });
    else if (token === ")") opened.pop();
    else if (number === undefined) words += HAS_WORD.test(token) ? 1 : 0;
    else if (opened.length) {
      const { start, before } = opened.pop();
      const weight = Number(number);
      if (words > before && Math.abs(weight) <= MOST) found.push({ start, from: start + 1, to: index, end: index + token.length, weight });
    }
  }
  return found;
}

/** Show what the engine makes of weights, while there are any. */
export function showWeightsHelp(form) {
  const hint = form.querySelector("[data-weights-help]");
  const weighs = (field) => groups(field.value).some(({ weight }) => weight !== 1);
  if (hint) hint.hidden = ![...form.querySelectorAll("textarea[data-weights]")].some(weighs);
}

/** The group that is meant, or the place where one would be put; nothing where there is no word. */
function meant(text, start, end) {
  while (start < end && /\s/.test(text[start])) start += 1;
  while (start < end && /\s/.test(text[end - 1])) end -= 1;
  const all = groups(text);
  const around = all.find((group) => (start === end ? group.start < start : group.start <= start) && end <= group.end);
  if (around) return around;
  if (start === end) {
    const word = [...text.matchAll(WORDS)].find((match) => match.index <= start && start <= match.index + match[0].length);
    if (!word) return null;
    [start, end] = [word.index, word.index + word[0].length];
  }
  for (const group of all) if (group.start < end && start < group.end) [start, end] = [Math.min(start, group.start), Math.max(end, group.end)];
  while (text[start - 1] === "\\") start -= 1; // else it would take the meaning from the bracket
  return HAS_WORD.test(text.slice(start, end)) ? { start, from: start, to: end, end, weight: 1 } : null;
}

/** Put `text` where `start` to `end` is, so that Ctrl+Z takes it back. */
function replace(field, start, end, text) {
  field.setSelectionRange(start, end);
  if (document.execCommand("insertText", false, text)) return; // deprecated, and still the only way into the browser's own undo
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function change(field, step) {
  const { value, selectionStart, selectionEnd } = field;
  const group = meant(value, selectionStart, selectionEnd);
  if (!group) { announce("There is no word here whose weight could be changed."); return; }
  const words = value.slice(group.from, group.to);
  const weight = Math.round(Math.max(Math.min(LEAST, group.weight), Math.min(MOST, group.weight + step)) * 100) / 100;
  if (weight !== group.weight) {
    const from = group.start + (weight === 1 ? 0 : 1);
    const moved = (place) => from + Math.max(0, Math.min(words.length, place - group.from));
    replace(field, group.start, group.end, weight === 1 ? words : `(${words}:${weight})`);
    if (selectionStart === selectionEnd) field.setSelectionRange(moved(selectionStart), moved(selectionStart));
    else field.setSelectionRange(from, from + words.length);
  }
  announce(`${words.trim()}: weight ${weight}`);
}

on("keydown", "textarea[data-weights]", (event, field) => {
  const step = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
  if (!step || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.isComposing || field.readOnly) return;
  event.preventDefault();
  change(field, step);
});
on("input", "textarea[data-weights]", (event, field) => { if (field.form) showWeightsHelp(field.form); });
