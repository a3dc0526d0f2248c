// The stage and the feed: previews that sharpen without a flash, what a screen reader hears, and guards against stale news.
import { announce, glide, on } from "../dom.js";
import { isCommand } from "../hotkeys.js";
import { watchJob } from "../live.js";
import { clearErrors } from "../toasts.js";
import { closeSheet } from "./sheet.js";

const FINAL = ["succeeded", "failed", "canceled"];
const stage = () => document.getElementById("stage");

/** Shows the newest preview of a running job: loads it aside, then puts it where `data-into` says. */
class LivePreview extends HTMLElement {
  static observedAttributes = ["data-src"];

  connectedCallback() { this.show(); }

  attributeChangedCallback() { if (this.isConnected) this.show(); }

  async show() {
    const { src, into } = this.dataset;
    if (!src || this.wanted === src) return;
    this.wanted = src;
    const turn = this.turn = (this.turn ?? 0) + 1;
    const next = new Image();
    next.src = src;
    try { await next.decode(); } catch { return; }
    const shown = document.getElementById(into);
    // A newer preview, or the finished picture, may have come while this one loaded. On a slow line each loads for longer than until the next.
    if (!shown || turn < (this.seen ?? 0) || !this.isConnected) return;
    this.seen = turn;
    shown.src = src;
    delete shown.dataset.blank;
  }
}
customElements.define("live-preview", LivePreview);

// --- stale news: a final state is final, and a finished stage that did not change keeps the person's choice in its strip -----------------

const find = (target) => (typeof target === "string" ? document.querySelector(target) : target);
const isStale = (incoming) => {
  const current = document.getElementById(incoming.id);
  return current && FINAL.includes(current.dataset.status) && !FINAL.includes(incoming.dataset.status);
};
const isUnchanged = (incoming) => {
  const current = document.getElementById(incoming.id);
  return current?.matches(".stage-job") && FINAL.includes(current.dataset.status) && ["status", "pictures"].every((name) => current.dataset[name] === incoming.dataset[name]);
};

/** How far along a run is shown. */
const step = (place) => place.querySelector("progress")?.value ?? 0;

/** An answer that was read before a step, and comes after the socket has told of it, does not take the step back. */
function keepSteps(fragment) {
  for (const incoming of fragment.querySelectorAll("[data-status=running] [data-attempt]:not([data-stopping])")) {
    const current = document.getElementById(incoming.id);
    if (current?.closest("[data-status=running]") && current.dataset.attempt === incoming.dataset.attempt && step(current) > step(incoming)) incoming.replaceWith(current.cloneNode(true));
  }
}

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail;
  const isNews = ctx.sourceElement?.id === "live" || ctx.sourceElement?.matches?.("[data-poll]");
  for (const task of [...tasks]) {
    const target = find(task.target);
    if (!target || !task.fragment?.querySelectorAll) continue;
    if (ctx.sourceElement?.id !== "live") keepSteps(task.fragment);
    const jobs = [...task.fragment.querySelectorAll("[data-status][id]")];
    const stale = jobs.filter((job) => isStale(job) || (isNews && isUnchanged(job)));
    if (stale.some((job) => job.id === target.id || (target.id === "stage" && job.matches(".stage-job")))) tasks.splice(tasks.indexOf(task), 1);
    // Inside a feed only the one card is older than what is shown: the morph passes over it.
    // A new card that the socket brought first, or a second press made no new job: one card is enough.
    else if (task.swapSpec?.style === "afterbegin" && jobs.some((job) => document.getElementById(job.id))) tasks.splice(tasks.indexOf(task), 1);
    else for (const job of stale) document.getElementById(job.id).setAttribute("hx-morph-skip", "");
  }
});
/** Cards come on top as work goes on; the oldest that are over leave a page that stays open all day. */
const KEPT = 40;
document.addEventListener("htmx:finally:swap", () => {
  for (const card of [...document.querySelectorAll("#feed > .job")].slice(KEPT)) if (FINAL.includes(card.dataset.status)) card.remove();
});
document.addEventListener("htmx:finally:swap", () => { for (const card of document.querySelectorAll(".job[hx-morph-skip]")) card.removeAttribute("hx-morph-skip"); });

// --- saying it ----------------------------------------------------------------------------------------------------------------------------

const statuses = new Map();
const troubled = new Map();
let watched;
/** How far the batch of the job on the stage was when that was last looked at. */
let counted;

function sayChange(card) {
  const words = card.querySelector(".tag")?.textContent.trim();
  const money = card.querySelector(".faint.num")?.textContent.trim();
  const reason = card.dataset.status === "failed" ? card.querySelector("p.xs")?.textContent.trim() : "";
  announce([words, reason || money, card.querySelector("[data-show-job]")?.textContent.trim().slice(0, 80)].filter(Boolean).join(". "));
}

function look() {
  const isFirst = statuses.size === 0 && watched === undefined;
  for (const card of document.querySelectorAll(".job[data-status]")) {
    const before = statuses.get(card.id);
    // A card that comes new is said when it is on the stage or over already: a quick job may never be seen running.
    const isNews = before ? before !== card.dataset.status : !isFirst && (FINAL.includes(card.dataset.status) || document.getElementById(card.id.replace("job-", "stage-")));
    if (isNews) sayChange(card);
    // What did not work says something about the engine: its chip is looked at.
    const trouble = card.dataset.status === "failed" || "trouble" in card.dataset;
    const chip = document.querySelector("[data-look]");
    if (chip && trouble && !isFirst && troubled.get(card.id) !== card.dataset.status) window.htmx.trigger(chip, "look", {}, false);
    if (trouble) troubled.set(card.id, card.dataset.status);
    else troubled.delete(card.id);
    statuses.set(card.id, card.dataset.status);
  }
  const shown = stage()?.querySelector(".stage-job");
  // Jobs of a batch are told of by its card: when that has moved on, the stage asks for the one it shows.
  // A batch that is over has no bar any more: its status is the last that is heard of it.
  const batch = document.getElementById(`batch-${shown?.dataset.batch}`);
  const far = batch && [shown.id, batch.dataset.status, batch.querySelector("progress")?.value].join(" ");
  if (far && far !== counted) for (const element of shown.querySelectorAll("[data-poll]")) window.htmx.trigger(element, "poll", {}, false);
  counted = far;
  const job = shown?.id.replace("stage-", "") ?? null;
  for (const link of document.querySelectorAll("[data-show-job]")) {
    const isShown = job !== null && link.closest(".job")?.id === `job-${job}`;
    if (isShown) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (job !== watched) {
    watched = job;
    watchJob(job);
    // A reload, or a link that is passed on, shows the same picture again.
    const url = new URL(location.href);
    if (job && document.querySelector("[data-create]")) { url.search = ""; url.searchParams.set("job", job); history.replaceState(history.state, "", url); }
  }
}

if (stage()) {
  look();
  document.addEventListener("htmx:after:swap", look);
  // What happened between the press on Generate and its answer was told to a page that did not show the job yet: ask once.
  document.addEventListener("htmx:after:swap", (event) => {
    const { sourceElement: source, request, response } = event.detail.ctx;
    // htmx gives the panel as the source of what was swapped away with it: a change of mode is none of this.
    if (request?.method !== "POST" || !source?.matches?.("#panel, [data-retry]")) return;
    for (const element of document.querySelectorAll(".stage-job [data-poll], .job [data-poll]")) window.htmx.trigger(element, "poll", {}, false);
    if (response.status >= 400) return;
    clearErrors();
    if (!matchMedia("(max-width: 720px)").matches) return;
    closeSheet();
    scrollTo({ top: 0, behavior: glide() });
  });
}

// Try again: one key for one press, so that a double click makes one job.
on("submit", "form[data-retry]", (event, form) => {
  if (!form.elements.idempotency_key) {
    const key = document.createElement("input");
    Object.assign(key, { type: "hidden", name: "idempotency_key", value: crypto.randomUUID?.() ?? String(Date.now()) });
    form.append(key);
  }
}, true);

// Arrows walk through the batch, letters do what the buttons say.
document.addEventListener("keydown", (event) => {
  if (!stage() || !isCommand(event) || event.target.closest?.("mask-painter, [data-menu], .segment, .ratios")) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const pictures = [...stage().querySelectorAll(".strip a")];
    const here = pictures.findIndex((picture) => picture.hasAttribute("aria-current"));
    const next = pictures[here + (event.key === "ArrowRight" ? 1 : -1)];
    if (next) { next.click(); event.preventDefault(); }
    return;
  }
  const use = { a: "all", r: "remix", s: "seed" }[event.key];
  const control = use && stage().querySelector(`[data-use="${use}"]`);
  if (control?.checkVisibility()) { control.click(); event.preventDefault(); }
});
