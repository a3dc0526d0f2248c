// How large a picture becomes when something is added on its sides: a drawing to scale, and the size in words.
import { on, whenever } from "../dom.js";

/** User units of the drawing, as in _sides.html, and the picture that is drawn when there is none yet. */
const VIEW = [120, 90];
const UNKNOWN = [1024, 1024];
const NAMES = ["left", "right", "up", "down"];

function draw(box) {
  const { elements } = box.closest("form");
  const [left, right, up, down] = NAMES.map((name) => Math.max(0, Number(elements[name].value) || 0));
  const isKnown = Boolean(box.dataset.width);
  const [width, height] = isKnown ? [Number(box.dataset.width), Number(box.dataset.height)] : UNKNOWN;
  const [wide, high] = [left + width + right, up + height + down];
  const scale = Math.min((VIEW[0] - 4) / wide, (VIEW[1] - 4) / high);
  const [x, y] = [(VIEW[0] - wide * scale) / 2, (VIEW[1] - high * scale) / 2];
  place(box.querySelector(".outer"), x, y, wide * scale, high * scale);
  place(box.querySelector(".inner"), x + left * scale, y + up * scale, width * scale, height * scale);
  box.querySelector("[data-sides-size]").textContent = isKnown ? `${wide.toLocaleString("en")} × ${high.toLocaleString("en")}` : "";
}

function place(rect, x, y, width, height) {
  for (const [name, value] of Object.entries({ x, y, width, height })) rect.setAttribute(name, value.toFixed(2));
}

whenever("[data-sides]", draw);
on("input", "[data-sides] input", (event, input) => draw(input.closest("[data-sides]")));
