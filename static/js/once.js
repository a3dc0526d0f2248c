// What a double click on a plain form asks for is made once. Forms that a module or htmx sends look after themselves.
const PATIENCE = 30_000; // ms; an answer that takes longer was stopped by hand, or lost
const sent = new WeakMap();

/** What a press sends: with another text, or by another button of the form, it is no second press. */
const likeness = (form, button) => JSON.stringify([
  button?.getAttribute("formaction"),
  ...[...new FormData(form, button)].map(([name, value]) => [name, value instanceof File ? [value.name, value.size, value.lastModified] : value]),
]);

// On the window: every other listener has had its turn, and what one of them sends by itself is no plain form any more.
addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method !== "post" || form.matches("[data-stays]") || submitter?.matches("[data-native]")) return;
  const words = likeness(form, submitter);
  const before = sent.get(form);
  if (before?.words === words && performance.now() - before.at < PATIENCE) { event.preventDefault(); return; }
  sent.set(form, { words, at: performance.now() });
});

// The page as it was left, by the browser's way back.
addEventListener("pageshow", (event) => { if (event.persisted) for (const form of document.forms) sent.delete(form); });
