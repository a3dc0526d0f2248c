// The tags of one picture on its page: added and taken away without leaving it, with those that the team has while one writes.
import { make, on, whenever } from "./dom.js";
import { act } from "./desk/bar.js";

const WAIT = 120;

const part = () => document.querySelector("[data-picture-tags]");
let asked = 0;
let timer = 0;

on("submit", "[data-picture-tags] form", async (event, form) => {
  event.preventDefault();
  const words = new FormData(form, event.submitter);
  const field = form.elements.add;
  if (await act(form.action, words.getAll("ids"), { add: words.getAll("add"), remove: words.getAll("remove") }) && field) {
    field.value = "";
    offer([]);
  }
});

/** Put the tags as they are now in place of those that are shown; the field keeps what is being written. */
async function redraw() {
  const mine = (asked += 1);
  let page;
  try {
    const response = await fetch(location.href, { redirect: "error" });
    if (!response.ok) return;
    page = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch { return; /* the next reload shows them */ }
  const fresh = page.querySelector("[data-tag-list]");
  if (mine !== asked || !fresh) return;
  const held = part().querySelector("[data-tag-list]").contains(document.activeElement);
  part().querySelector("[data-tag-list]").replaceWith(fresh);
  if (held) document.getElementById("tag-field")?.focus({ preventScroll: true });
}
document.addEventListener("pictures:changed", () => { if (part()) redraw(); });
// What an undo brings along.
whenever("#pictures-changed", (word) => { if (part() && word.hasAttribute("data-ids")) redraw(); });

/* --- the browser's own list under the field holds what the team has --- */

/** Those names behind what is written already: several may stand in the field, with commas between them. */
function offer(names) {
  const before = document.getElementById("tag-field").value.replace(/[^,]*$/, "");
  document.getElementById("tags-known").replaceChildren(...names.map((name) => make("option", { value: before ? `${before.trimEnd()} ${name}` : name })));
}

async function suggest(field) {
  const url = new URL(part().dataset.tagsUrl, location.href);
  const begun = field.value.split(",").at(-1).trim();
  url.searchParams.set("q", begun);
  try {
    const found = await (await fetch(url, { redirect: "error" })).json();
    const has = new Set([...part().querySelectorAll("[data-tag-list] [name=remove]")].map((button) => button.value));
    if (begun === field.value.split(",").at(-1).trim()) offer(found.tags.map((tag) => tag.name).filter((name) => !has.has(name)));
  } catch { /* a tag can be written without it */ }
}
on("input", "#tag-field", (event, field) => { clearTimeout(timer); timer = setTimeout(suggest, WAIT, field); });
on("focusin", "#tag-field", (event, field) => suggest(field));
