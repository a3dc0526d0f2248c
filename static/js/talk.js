// The talk about a picture: it goes on by itself, Ctrl+Enter sends, and @ offers the names of the team.
import { announce, make, on, whenever } from "./dom.js";

const list = () => document.getElementById("talk-list");
const refresh = () => list() && window.htmx.trigger(list(), "talk:news", {}, false);

// A beat over the socket: somebody said something, or may have while nobody listened. A list that stands at the same needs no request, unless
// one is on its way that was drawn before.
const isCurrent = (pulse) => pulse.dataset.fingerprint === list()?.dataset.fingerprint && !list().matches(".htmx-request");
whenever("[data-talk-beat]", (pulse) => { if (pulse.dataset.talkBeat && !isCurrent(pulse)) refresh(); });

const count = () => document.querySelectorAll(".talk-said > .comment").length;
let known = count();
new MutationObserver(() => {
  const now = count();
  const last = document.querySelector(".talk-said > .comment:last-child");
  if (now > known && last) announce(`${last.querySelector(".comment-head b").textContent}: ${last.querySelector(".comment-text")?.textContent ?? ""}`);
  known = now;
}).observe(document.getElementById("talk") ?? document.createElement("i"), { childList: true, subtree: true });

on("keydown", ".talk-form textarea, .comment-edit textarea", (event, field) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  field.form.requestSubmit();
});
on("keydown", ".comment-edit textarea", (event, field) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const fold = field.closest("details");
  field.value = field.defaultValue;
  fold.open = false;
  fold.querySelector("summary").focus();
  event.preventDefault();
});
on("toggle", ".comment-edit", (event, fold) => { if (fold.open) fold.querySelector("textarea").focus(); }, true);

/* --- @: a list of names under the hands that type --- */

const names = JSON.parse(document.getElementById("talk-names")?.textContent || "[]");
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
let open = null;

/** What is being typed after an @ before the caret, or null. */
function asked(field) {
  const before = field.value.slice(0, field.selectionStart);
  const found = /(?:^|[^\p{L}\p{N}_@.+-])@([^@\n]{0,40})$/u.exec(before);
  return found && field.selectionStart === field.selectionEnd ? { text: found[1], start: before.length - found[1].length } : null;
}

/** Names of which a word begins as was typed, those that begin so themselves first. */
function matching(text) {
  const wanted = plain(text);
  const begins = (name) => plain(name).startsWith(wanted);
  return names.filter((name) => begins(name) || plain(name).split(/\s+/).some((word) => word.startsWith(wanted))).sort((one, other) => begins(other) - begins(one)).slice(0, 8);
}

function close() {
  if (!open) return;
  open.list.remove();
  for (const name of ["role", "aria-expanded", "aria-controls", "aria-activedescendant", "aria-autocomplete"]) open.field.removeAttribute(name);
  open = null;
}

function offer(field) {
  const typed = asked(field);
  const found = typed ? matching(typed.text) : [];
  // A whole name that was typed needs no list any more.
  if (!found.length || (found.length === 1 && plain(found[0]) === plain(typed.text.trim()))) { close(); return; }
  close();
  const options = found.map((name, n) => make("li", { id: `mention-${n}`, role: "option", "aria-selected": "false", "data-name": name }, name));
  open = { field, list: make("ul", { id: "mention-list", class: "mention-list", role: "listbox", "aria-label": "People" }, ...options), at: 0, start: typed.start };
  field.parentElement.append(open.list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "true", "aria-controls": "mention-list" })) field.setAttribute(name, value);
  point(0);
}

function point(n) {
  const options = [...open.list.children];
  open.at = (n + options.length) % options.length;
  options.forEach((option, place) => option.setAttribute("aria-selected", String(place === open.at)));
  open.field.setAttribute("aria-activedescendant", options[open.at].id);
  options[open.at].scrollIntoView({ block: "nearest" });
}

function take(name) {
  const { field, start } = open;
  const end = field.selectionStart;
  close();
  field.setRangeText(`${name} `, start, end, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

on("input", "[data-mentions]", (event, field) => offer(field));
on("click", "[data-mentions]", (event, field) => offer(field));
on("focusout", "[data-mentions]", () => setTimeout(close, 150));
on("pointerdown", ".mention-list [data-name]", (event, option) => { event.preventDefault(); take(option.dataset.name); });
document.addEventListener("keydown", (event) => {
  if (!open || event.target !== open.field || event.isComposing) return;
  if (event.key === "ArrowDown") point(open.at + 1);
  else if (event.key === "ArrowUp") point(open.at - 1);
  else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey || event.key === "Tab" && !event.shiftKey) take(open.list.children[open.at].dataset.name);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);
