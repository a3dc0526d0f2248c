// Where one is on the wall: what comes above and below joins without a jump, and Back and Reload lead to the same picture, however deep.
import { announce, make, memory, whenever } from "../dom.js";

const page = document.querySelector("[data-library]");
const wall = () => document.getElementById("wall");
const stretches = () => [...(wall()?.querySelectorAll(".stretch") ?? [])];
/** The tiles of a stretch, each with its checkbox. */
const tilesOf = (stretch) => [...stretch.querySelectorAll(".cell")];
const idOf = (cell) => cell.querySelector(".tile").id;
const noun = () => document.getElementById("results")?.dataset.noun ?? "item";
const BAR = 80;
/** How far above the window what is newer is fetched: a little more than a page of fifty is high. */
const NEAR = 1500;
/** So many pictures below the one that one looks at come back with it; the studio gives 300 down to the last of them. */
const BELOW = 100;

/* --- rows: a stretch that goes on where the one above ends takes over that one's last row, so that no row is left half empty --- */

function joinBelow(stretch) {
  const above = stretch.previousElementSibling;
  if (!stretch.matches("[data-joins]") || !above?.matches(".stretch")) return;
  const tiles = tilesOf(above);
  const last = tiles.at(-1);
  if (!last) return;
  const row = tiles.filter((tile) => Math.abs(tile.offsetTop - last.offsetTop) < 2);
  if (last.getBoundingClientRect().top > innerHeight) stretch.prepend(...row);
  else topUp(above, row, stretch);
}

/** Somebody sees the last row already: it stays as it is, and gets only what fits beside it. */
function topUp(above, row, stretch) {
  above.setAttribute("data-kept", "");
  const room = above.getBoundingClientRect().right;
  const gap = Number.parseFloat(getComputedStyle(above).columnGap);
  const height = row[0].getBoundingClientRect().height;
  let end = row.at(-1).getBoundingClientRect().right;
  for (const tile of tilesOf(stretch)) {
    end += gap + Number.parseFloat(getComputedStyle(tile).getPropertyValue("--ratio")) * height;
    if (end + gap > room) return;
    above.append(tile);
  }
}

/** Join what was put above `stretch`: its last row must be full by itself, for no row of `stretch` may move under somebody's eyes. */
function joinAbove(stretch) {
  const above = stretch.previousElementSibling;
  if (!above?.matches(".stretch")) return;
  const heading = stretch.querySelector(".wall-day");
  const headings = wall().querySelectorAll(".wall-day");
  const earlier = heading && headings[[...headings].indexOf(heading) - 1];
  if (heading && earlier?.textContent !== heading.textContent) return;
  heading?.remove();
  stretch.setAttribute("data-joins", "");
  const lead = stretch.querySelector(".wall-break");
  if (lead) {
    above.append(...tilesOf(stretch).filter((tile) => lead.compareDocumentPosition(tile) & Node.DOCUMENT_POSITION_PRECEDING));
    lead.remove();
  }
  fill(above);
}

/** Break a stretch after its first few tiles, where that leaves its last row as full as can be. */
function fill(stretch) {
  const tiles = tilesOf(stretch);
  const style = getComputedStyle(stretch);
  const [width, gap, row] = [stretch.clientWidth, Number.parseFloat(style.columnGap), Number.parseFloat(style.getPropertyValue("--row"))];
  const widths = tiles.map((tile) => Number.parseFloat(getComputedStyle(tile).getPropertyValue("--ratio")) * row);
  const rowsFrom = (start, end = widths.length) => {
    const rows = [0];
    for (let place = start; place < end; place += 1) {
      if (rows.at(-1) && rows.at(-1) + widths[place] > width) rows.push(0);
      rows[rows.length - 1] += widths[place] + gap;
    }
    return rows;
  };
  let best = { share: 0, start: 0 };
  for (let start = 0; start < tiles.length && rowsFrom(0, start).length === 1; start += 1) {
    const share = Math.min(rowsFrom(start).at(-1), start ? rowsFrom(0, start)[0] : width) / width;
    if (share > best.share + 0.001) best = { share, start };
  }
  if (best.start) tiles[best.start].before(make("i", { class: "wall-break", "aria-hidden": "true" }));
}

/* --- far ones give their pictures back until they are near again; their rows stay as they are, so nothing moves --- */

/** One transparent pixel: a picture without any would be drawn as its words. */
const NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
const far = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting !== target.hasAttribute("data-far")) continue;
    target.toggleAttribute("data-far", !isIntersecting);
    for (const image of target.querySelectorAll(".tile img")) {
      if (!isIntersecting) image.dataset.src = image.getAttribute("src");
      image.src = isIntersecting ? image.dataset.src : NOTHING;
    }
  }
}, { rootMargin: "3000px 0px" });

/* --- what is fetched: older things by htmx when their link is near, newer ones when somebody scrolls up to theirs --- */

const known = new WeakSet();
whenever(".wall .stretch", (stretch) => {
  known.add(stretch);
  far.observe(stretch);
  const next = stretch.nextElementSibling;
  if (next?.matches(".stretch") && known.has(next)) putAbove(next);
  else if (known.has(stretch.previousElementSibling)) joinBelow(stretch);
});

/** What is in sight when newer ones are about to be put above it, and where: there it stays. */
let seen = null;

function putAbove(next) {
  joinAbove(next);
  if (!document.getElementById("newer")) document.getElementById("library-newer")?.remove();
  if (seen?.tile.isConnected) scrollBy({ top: seen.tile.getBoundingClientRect().top - seen.top, behavior: "instant" });
  lastTop = scrollY;
  seen = null;
}

// The link swaps itself away, and with it the element on which htmx would tell of the swap: so the wall is watched.
document.addEventListener("htmx:before:swap", (event) => {
  const which = event.detail.ctx?.sourceElement?.id;
  if (!["older", "newer"].includes(which) || !wall()) return;
  const tile = which === "newer" && firstSeen();
  seen = tile ? { tile, top: tile.getBoundingClientRect().top } : null;
  new MutationObserver((records, observer) => {
    observer.disconnect();
    const shown = wall().querySelectorAll(".tile").length;
    announce(`${shown.toLocaleString("en")} ${noun()}${shown === 1 ? "" : "s"} on the page.`);
    keep();
  }).observe(wall(), { childList: true });
});

let lastTop = scrollY;
function lookUp() {
  const rises = scrollY < lastTop;
  lastTop = scrollY;
  const newer = document.getElementById("newer");
  if (!rises || !newer || "asked" in newer.dataset || newer.getBoundingClientRect().bottom < -NEAR) return;
  newer.dataset.asked = "";
  window.htmx.trigger(newer, "near");
}

/* --- where one was: `until` names a picture a little below, and the state of the page's history one in sight, and where it stood --- */

/** The first tile that is not above the window. */
function firstSeen() {
  const stretch = stretches().find((one) => one.getBoundingClientRect().bottom > BAR);
  return stretch && tilesOf(stretch).find((tile) => tile.getBoundingClientRect().bottom > BAR);
}

/**
 * The tile by which the place is kept. Rows that somebody saw while more joined are filled only on the way back, and are of another height
 * then: one tile alone can be trusted to stand where it stood, and that shall be the one that was opened, if it is in sight.
 */
function anchor() {
  const opened = document.getElementById(memory.get("library.opened"));
  const { top, bottom } = opened?.getBoundingClientRect() ?? {};
  return bottom > BAR && top < innerHeight && wall()?.contains(opened) ? opened.closest(".cell") : firstSeen();
}

/** The size of the window, whether or not a phone shows its address bar. */
const size = () => `${document.documentElement.clientWidth} × ${document.documentElement.clientHeight}`;

function below(tile) {
  let left = BELOW;
  for (let stretch = tile.closest(".stretch"), last = tile; ; stretch = stretch.nextElementSibling) {
    if (!stretch?.matches(".stretch")) return last;
    const tiles = tilesOf(stretch);
    const start = tiles.indexOf(tile) + 1;
    if (tiles.length - start >= left) return tiles[start + left - 1] ?? last;
    left -= tiles.length - start;
    last = tiles.at(-1) ?? last;
  }
}

function keep() {
  const tile = anchor();
  if (!tile) return;
  const url = new URL(location.href);
  url.hash = "";
  if (scrollY > 0 || document.getElementById("newer")) {
    url.searchParams.delete("after");
    url.searchParams.set("until", idOf(below(tile)).slice(2));
  } else if (!url.searchParams.has("after")) url.searchParams.delete("until");
  const place = { id: idOf(tile), top: tile.getBoundingClientRect().top, scrolled: scrollY > 0, size: size() };
  try { history.replaceState({ ...history.state, place }, "", url); } catch { /* too many in a short time: the next one will do */ }
}

function goBack() {
  const place = history.state?.place;
  const tile = place && document.getElementById(place.id);
  const resized = place?.size !== size();
  if (!tile || !(place.scrolled || resized)) return false;
  const { top, height } = tile.getBoundingClientRect();
  // In a window of another size it may stand too low now, or be as high as the window: then its upper edge counts.
  const stands = resized ? Math.max(BAR, Math.min(place.top, innerHeight - BAR - height)) : place.top;
  scrollTo({ top: scrollY + top - stands, behavior: "instant" });
  lastTop = scrollY;
  return true;
}

let resting;
if (page) {
  history.scrollRestoration = "manual";
  const type = performance.getEntriesByType("navigation")[0]?.type;
  if (["back_forward", "reload"].includes(type) && goBack()) requestAnimationFrame(goBack);
  addEventListener("scroll", () => {
    lookUp();
    clearTimeout(resting);
    resting = setTimeout(keep, 150);
  }, { passive: true });
  addEventListener("pagehide", () => { clearTimeout(resting); keep(); });
}
