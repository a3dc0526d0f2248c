// While a picture loads, its blurred likeness (a thumbhash of some 25 bytes) stands in its place. Set through the CSSOM: no inline styles.
import { thumbHashToDataURL } from "../vendor/thumbhash/thumbhash.js";
import { whenever } from "./dom.js";

const drawn = new Map();

function likeness(hash) {
  if (!drawn.has(hash)) {
    const bytes = Uint8Array.from(atob(hash.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
    if (drawn.size > 500) drawn.clear();
    drawn.set(hash, `url("${thumbHashToDataURL(bytes)}")`);
  }
  return drawn.get(hash);
}

whenever("[data-thumbhash]", (element) => {
  const image = element.matches("img") ? element : element.querySelector("img");
  if (!element.dataset.thumbhash || image?.complete && image.naturalWidth) return;
  try {
    element.style.backgroundImage = likeness(element.dataset.thumbhash);
    element.style.backgroundSize = "cover";
  } catch { /* not a hash: the plain placeholder stays */ }
  // An empty style attribute left behind would offend the content policy when the element is cloned.
  image?.addEventListener("load", () => element.removeAttribute("style"), { once: true });
});
