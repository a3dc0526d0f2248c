// The painter's buttons and sliders. What they do is handed in; what has to be reached later is handed back.
import { icon, make } from "../dom.js";

function button(name, label, act, extra = {}) {
  const element = make("button", { type: "button", class: "icon", "aria-label": label, title: label, ...extra }, icon(name));
  element.addEventListener("click", act);
  return element;
}

/** A slider in pixels of the picture. Its events are no business of the form around it: they change neither price nor draft. */
function slider(label, min, max, value, act) {
  const output = make("output", {}, `${value} px`);
  const input = make("input", { type: "range", min, max, value, "aria-label": `${label}, pixels of the picture` });
  input.addEventListener("input", (event) => {
    event.stopPropagation();
    output.value = `${input.value} px`;
    act(Number(input.value));
  });
  input.addEventListener("change", (event) => event.stopPropagation());
  return [make("span", { "aria-hidden": "true" }, label), input, output];
}

/** @param {Record<"use" | "undo" | "redo" | "invert" | "clear" | "enlarge" | "size" | "feather", Function>} acts */
export function buildTools(acts) {
  const line = () => make("span", { class: "rule-v", "aria-hidden": "true" });
  const brush = button("brush", "Brush (B)", () => acts.use(false), { "aria-pressed": "true" });
  const eraser = button("eraser", "Eraser (E)", () => acts.use(true), { "aria-pressed": "false" });
  const back = button("undo", "Undo (Ctrl+Z)", acts.undo, { disabled: true });
  const forth = button("redo", "Redo (Ctrl+Shift+Z)", acts.redo, { disabled: true });
  const invert = button("invert", "Swap painted and unpainted (I)", acts.invert);
  const clear = button("trash", "Clear the mask", acts.clear);
  const enlarge = button("upscale", "Paint on a larger picture", acts.enlarge);
  const size = slider("Brush", 2, 256, 48, acts.size);
  const feather = slider("Feather", 0, 64, 0, acts.feather);
  const attributes = { class: "painter-tools", role: "toolbar", "aria-label": "Mask tools" };
  const bar = make("div", attributes, brush, eraser, line(), back, forth, line(), invert, clear, make("span", { class: "push" }), enlarge);
  const sliders = make("div", { class: "painter-sliders" }, ...size, ...feather);
  return { parts: [bar, sliders], controls: { brush, eraser, back, forth, enlarge, sizeSlider: size[1] } };
}
