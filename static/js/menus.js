// Menus are <details>, dialogs are <dialog>: they work without this. Here they also close when one clicks elsewhere or presses Escape.
import { on } from "./dom.js";
import { toast } from "./toasts.js";

const open = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("pointerdown", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("focusin", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    event.preventDefault();
  }
});
// Arrows walk through a menu, as people expect of one.
on("keydown", "details[data-menu][open]", (event, menu) => {
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input, textarea, select")) return;
  const items = [...menu.querySelectorAll("summary, .menu-list :is(a[href], button:not(:disabled), input:not([type=hidden]))")].filter((item) => item.offsetParent);
  const next = items[(items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length];
  next?.focus();
  event.preventDefault();
});

// Whoever presses an item twice as one does in a list of files means it once: no later press of a double click reaches what lay under it.
let used = false;
addEventListener("click", (event) => {
  if (event.detail > 1 && used && !event.target.closest?.("details[data-menu]")) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  if (event.detail) used = Boolean(event.target.closest?.("details[data-menu] .menu-list"));
}, true);

// What is chosen there without leaving the page closes it.
on("click", "details[data-menu] a[data-use]", (event, link) => { link.closest("details").open = false; });

on("click", "[data-open]", (event, control) => {
  const dialog = document.getElementById(control.dataset.open);
  if (!(dialog instanceof HTMLDialogElement)) return;
  event.preventDefault();
  const menu = control.closest("details[data-menu]");
  if (menu) menu.open = false;
  dialog.showModal();
});
on("click", "[data-close]", (event, control) => control.closest("dialog")?.close());
on("pointerdown", "dialog", (event, dialog) => {
  if (event.target !== dialog) return;
  const box = dialog.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) dialog.close();
});
// Copy a value: data-copy holds it. data-copied is said in place of the value where that is long, or nobody's business.
on("click", "[data-copy]", async (event, control) => {
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(control.dataset.copy);
    toast(control.dataset.copied ?? `Copied: ${control.dataset.copy.slice(0, 60)}`, { level: "success" });
  } catch {
    toast("The browser does not let this page copy. Select the text and press Ctrl+C.", { level: "warning" });
  }
});
