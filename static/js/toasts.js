// Messages in the corner. They go by themselves, except errors; hovering or focusing one keeps it.
import { icon, make, on, whenever } from "./dom.js";

const STAY = { success: 6000, info: 7000, warning: 12000 };
const ICONS = { success: "check", info: "info", warning: "alert", error: "alert" };

/** Show a message. One that is on the screen already is not shown twice. `action` is {label, href} or {label, onClick}. */
export function toast(message, { level = "info", action } = {}) {
  const region = document.getElementById("toasts");
  if (!region) return null;
  for (const other of region.children) if (other.dataset.message === message) other.remove();
  const body = make("div", { class: "toast-body" }, make("span", {}, message));
  const close = make("button", { type: "button", class: "icon small", "data-close-toast": true, "aria-label": "Close this message" }, icon("close", "small"));
  const element = make("div", { class: "toast", "data-toast": true, "data-level": level, "data-message": message, role: level === "error" && "alert" }, icon(ICONS[level]), body, close);
  if (action) {
    const control = action.href ? make("a", { class: "link strong", href: action.href }, action.label) : make("button", { type: "button", class: "link strong" }, action.label);
    if (action.onClick) control.addEventListener("click", () => { element.remove(); action.onClick(); });
    body.append(control);
  }
  region.append(element);
  return element;
}

/** What went wrong was tried again and has worked: what was said of it is over. */
export function clearErrors() {
  for (const element of document.querySelectorAll("#toasts [data-level=error]")) element.remove();
}

whenever("[data-toast]", (element) => {
  // The same error again, from the studio this time: the one before has said it.
  if (element.dataset.level === "error") for (const other of element.parentElement?.children ?? []) if (other !== element && other.dataset.message === element.dataset.message) other.remove();
  const wait = STAY[element.dataset.level];
  if (!wait) return;
  // Somebody has to be able to reach what is offered in it.
  const time = element.querySelector("a, form") ? wait * 2 : wait;
  let timer = setTimeout(() => element.remove(), time);
  const keep = () => clearTimeout(timer);
  const go = () => { clearTimeout(timer); timer = setTimeout(() => element.remove(), time / 2); };
  element.addEventListener("pointerenter", keep);
  element.addEventListener("pointerleave", go);
  element.addEventListener("focusin", keep);
  element.addEventListener("focusout", go);
});

on("click", "[data-close-toast]", (event, button) => button.closest("[data-toast]").remove());
// Not before the end: htmx takes nothing from the answer to a form that is gone.
document.addEventListener("htmx:finally:request", (event) => {
  const form = event.detail.ctx.sourceElement?.closest?.("[data-closes-toast]");
  if (form && event.detail.ctx.response?.status < 400) form.closest("[data-toast]")?.remove();
});
