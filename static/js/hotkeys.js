// Keys that work on every page. Single keys can be switched off (WCAG 2.1.4); keys with Ctrl or ⌘ belong to their modules.
import { isTyping } from "./dom.js";

const GO = { c: "/create/", d: "/developers/", g: "/galleries/", l: "/library/", t: "/templates/", w: "/wallet/" };
const SWITCH = "atelier.single-keys";
/** When "g" was pressed, in the milliseconds of events, which begin with the page. */
let leader = -Infinity;

const allowed = () => { try { return localStorage.getItem(SWITCH) !== "off"; } catch { return true; } };

/** Whether this key press may be taken as a command: no text field, no dialog on top, no modifier, and not switched off. */
export function isCommand(event) {
  return !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing && !isTyping(event.target) && allowed() && !document.querySelector("dialog[open]");
}

document.addEventListener("keydown", (event) => {
  if (!isCommand(event)) return;
  if (event.key === "?") { document.getElementById("hotkeys")?.showModal(); event.preventDefault(); return; }
  if (event.key === "g" && event.timeStamp - leader >= 1200) { leader = event.timeStamp; return; }
  if (event.timeStamp - leader < 1200 && GO[event.key] && document.querySelector(".nav")) { event.preventDefault(); location.href = GO[event.key]; }
  leader = -Infinity;
});

for (const box of document.querySelectorAll("[data-single-keys]")) {
  box.checked = allowed();
  box.addEventListener("change", () => { try { localStorage.setItem(SWITCH, box.checked ? "on" : "off"); } catch { /* kept for this page only */ } });
}
for (const key of document.querySelectorAll("[data-command-key]")) if (/Mac|iPhone|iPad/.test(navigator.platform)) key.textContent = "⌘";
