// What no event tells: that no worker is left for what waits, or that other teams had their turn; and, away from its card, that a final is made.
const EVERY = 25_000;
const ask = (elements) => { for (const element of elements) window.htmx.trigger(element, "poll", {}, false); };

setInterval(() => { if (!document.hidden) ask(document.querySelectorAll("[data-status=queued]:is(.job, .stage-job) [data-poll], .final-box [data-poll]")); }, EVERY);

/** What the header tells of work in progress: it changes when a final ends. */
const running = () => document.getElementById("running")?.textContent;
let before = running();
document.addEventListener("htmx:after:swap", () => {
  const now = running();
  const hasMoved = now !== before;
  before = now;
  ask([...document.querySelectorAll(".final-box [data-poll]")].filter(({ dataset }) => {
    const card = document.getElementById(dataset.waitsFor);
    return hasMoved || (card && !["approval", "queued", "running"].includes(card.dataset.status));
  }));
});
