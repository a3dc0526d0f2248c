// The price while somebody types: what is being worked out is seen to be, the last answer counts, and a silent studio is said.
import { on } from "../dom.js";

const AGAIN = 3000; // ms until a price is asked for once more that nobody could tell
let timer = 0;
const box = () => document.getElementById("price");
/** What a price may depend on; words alone do not change it. */
const COUNTS = "#panel :is(input, select):not([name=prompt], [name=negative_prompt], [name^=field_], [name^=section_], [data-colour-of])";

function old(isOld) {
  const note = box()?.querySelector("[data-price-old]");
  if (note) note.hidden = !isOld;
}

for (const kind of ["input", "change"]) on(kind, COUNTS, () => box()?.setAttribute("data-counting", ""));

document.addEventListener("htmx:before:swap", (event) => {
  const { sourceElement } = event.detail.ctx;
  // An answer for a panel that is not there any more is about another engine.
  if (sourceElement?.id === "requote" && !sourceElement.isConnected) event.preventDefault();
});
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.sourceElement?.id !== "requote") return;
  clearTimeout(timer);
  old(false);
});
for (const kind of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(kind, (event) => {
    const { ctx, error } = event.detail;
    if (ctx?.sourceElement?.id !== "requote" || error?.name === "AbortError") return;
    old(true);
    clearTimeout(timer);
    timer = setTimeout(() => window.htmx.trigger("#price", "requote", {}, false), AGAIN);
  });
}
