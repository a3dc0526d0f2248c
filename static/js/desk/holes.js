// What leaves a wall, and what comes back to its place: nothing that somebody looks at moves because of it.
import { counted, tiles, wall } from "../library.js";
import { choose } from "./selection.js";

const gone = new Map();
/** What the studio was asked to take away, until it answers: what is read meanwhile may still show it. */
export const departing = new Set();
/** What stands for it on the wall, with the words under it where there are any. */
const cellOf = (id) => {
  const cell = document.getElementById(`p-${id}`)?.closest(".cell");
  return cell?.closest(".trash-item") ?? cell;
};

/** Whether this page took it off, and could put it back. */
export const isGone = (id) => gone.has(id);

/** All that this page took off. */
export const takenOff = () => [...gone.keys()];

/** Do something to the wall, and let what is at the top of the window stay there. */
export function steady(change) {
  const top = scrollY > 0 && tiles().find((tile) => tile.getBoundingClientRect().bottom > 60);
  const before = top && top.getBoundingClientRect().top;
  const root = document.documentElement.style;
  root.overflowAnchor = "none"; // what moves is made up for here, and not by the browser as well
  requestAnimationFrame(() => requestAnimationFrame(() => { root.overflowAnchor = ""; }));
  change();
  if (top?.isConnected) scrollBy({ top: top.getBoundingClientRect().top - before, behavior: "instant" });
}

/** Keep the number over the wall true; where it says "more than", it stays true by itself. */
export function recount(difference) {
  const shown = document.getElementById("library-count");
  const number = Number(shown?.dataset.number);
  if (!shown?.dataset.number || Number.isNaN(number)) return;
  shown.dataset.number = number + difference;
  shown.textContent = counted(number + difference);
}

/** Take things off the wall at once. What had the focus hands it to its neighbour. */
export function takeOff(ids) {
  const cells = ids.map(cellOf).filter(Boolean);
  if (!cells.length) return;
  const all = tiles();
  const leaving = new Set(cells.map((cell) => cell.querySelector(".tile")));
  const place = all.findIndex((tile) => tile === document.activeElement && leaving.has(tile));
  const heir = place < 0 ? null : all.slice(place).find((tile) => !leaving.has(tile)) ?? all.slice(0, place).reverse().find((tile) => !leaving.has(tile)) ?? document.getElementById("q");
  steady(() => {
    for (const cell of cells) {
      const hole = document.createComment(cell.querySelector(".tile").id);
      cell.removeAttribute("data-leaving");
      cell.replaceWith(hole);
      gone.set(hole.data.slice(2), { cell, hole });
    }
  });
  recount(-cells.length);
  heir?.focus({ preventScroll: true });
}

/** Let things fade, then take them off: somebody else deleted them. They are no longer selected. */
export async function fadeOut(ids) {
  const cells = ids.map(cellOf).filter((cell) => cell && !cell.hasAttribute("data-leaving"));
  choose(ids, false);
  for (const cell of cells) cell.setAttribute("data-leaving", "");
  await Promise.allSettled(cells.flatMap((cell) => cell.getAnimations()).map((animation) => animation.finished));
  takeOff(cells.filter((cell) => cell.isConnected && cell.hasAttribute("data-leaving")).map((cell) => cell.querySelector(".tile").id.slice(2)));
}

/** Put back what this page took off. Returns the tiles. */
export function bringBack(ids) {
  const back = ids.filter(isGone);
  steady(() => {
    for (const id of back) {
      const { cell, hole } = gone.get(id);
      gone.delete(id);
      if (hole.isConnected) hole.replaceWith(cell);
      else wall()?.querySelector(".cell, #older")?.before(cell);
    }
  });
  recount(back.length);
  return back.map((id) => document.getElementById(`p-${id}`));
}
