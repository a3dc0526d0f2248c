// What asks by itself asks again when no answer came: what carries data-poll, and walls that go on when their end is near.

const FIRST = 3000;
const LONGEST = 15000;
const BY_ITSELF = "[data-poll], .wall-more, .wall-older";

/** How long to wait before something that failed is asked for again, longer each time; `over()` when it was answered. */
export function patience() {
  let wait = 0;
  return { next: () => (wait = Math.min(wait * 2 || FIRST, LONGEST)), over: () => { wait = 0; }, isTried: () => wait > 0 };
}

const patiences = new WeakMap();
const waiting = new WeakSet();

/** Whether nobody need be told that a request failed: it is made again. People hear once of a wall that stopped. */
export function isQuiet(element) {
  return Boolean(element?.matches?.("[data-poll]") || (element?.matches?.(BY_ITSELF) && patiences.get(element)?.isTried()));
}

function ask(element) {
  if (!element.isConnected) return;
  if (element.matches("[data-poll]")) { window.htmx.trigger(element, "poll", {}, false); return; }
  new IntersectionObserver((entries, observer) => {
    if (element.isConnected && !entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    if (element.isConnected) window.htmx.trigger(element, "near", {}, false);
  }, { rootMargin: "1500px" }).observe(element);
}

function later(element) {
  if (!element?.matches?.(BY_ITSELF) || !element.isConnected || waiting.has(element)) return;
  if (!patiences.has(element)) patiences.set(element, patience());
  waiting.add(element);
  setTimeout(() => { waiting.delete(element); ask(element); }, patiences.get(element).next());
}

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => { if (ctx.response.status < 400) patiences.get(ctx.sourceElement)?.over(); });
// Others say on these events what failed, and ask here whether to: so it is counted after them.
addEventListener("htmx:response:error", ({ detail: { ctx } }) => later(ctx.sourceElement));
addEventListener("htmx:error", ({ detail: { ctx } }) => { if (ctx && ctx.text === undefined) later(ctx.sourceElement); });
