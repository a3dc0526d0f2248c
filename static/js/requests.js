// What every request carries, and what a person reads when one fails. Nothing that was typed is touched by a failure.
import { isQuiet } from "./again.js";
import { toast } from "./toasts.js";

export const UNREACHABLE = "The studio cannot be reached. What you typed is still here.";
const SENTENCES = {
  400: "The studio could not read that request. Reload the page and try again.",
  401: "You were signed out. Sign in again; what you typed is kept.",
  403: "You may not do this here. If you signed in again in another tab, reload this page; what you typed is kept.",
  404: "That is not here any more.",
  409: "Somebody was quicker: this has changed meanwhile. Reload to see how it stands.",
  413: "That file is too large.",
  507: "There is no room left on the studio's disk. What you typed is still here: ask your operator to make room, then try again.",
  429: "That was too fast. Wait a moment, then try again.",
};

/** A sentence for an HTTP status that came without one. */
export function sentenceFor(status) {
  if (SENTENCES[status]) return SENTENCES[status];
  return status >= 500 ? "Something went wrong in the studio. What you typed is still here; try again in a moment." : `The studio refused this (${status}).`;
}

/** Of the requests that `isMine(ctx)` picks, draw only the answer to the one that was asked for last, whichever comes last. `asked` hears of each. */
export function drawTheLast(isMine, asked = () => {}) {
  let last;
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => { if (isMine(ctx)) { last = ctx; asked(ctx); } });
  document.addEventListener("htmx:before:swap", (event) => {
    if (isMine(event.detail.ctx) && event.detail.ctx !== last) event.preventDefault();
  });
}

/** The token Django expects. The cookie is newer than the page when somebody signed in again in another tab. */
export function csrfToken() {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return cookie ? decodeURIComponent(cookie.slice("csrftoken=".length)) : document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** The team that this page shows. What is done on it is done there, whatever another tab works in by now. */
const team = () => document.body.dataset.team ?? "";

/** The headers of what a script asks for; with `token` for what changes something. */
export function headers({ token = false, ...more } = {}) {
  return { "X-Team": team(), ...(token ? { "X-CSRFToken": csrfToken() } : {}), ...more };
}

/** No answer came, or one that another time will not give: what was asked for may be asked for again. */
export class NoAnswer extends Error {}

/** The page at `url`, read with fetch; null when the studio will not show it. Rejects with `NoAnswer`. */
export async function fetchedPage(url, more = {}) {
  let response, text;
  try {
    response = await fetch(url, { headers: headers(more), redirect: "error" });
    text = await response.text();
  } catch (error) { throw new NoAnswer(error.message); }
  if (response.status === 429 || response.status >= 500) throw new NoAnswer(sentenceFor(response.status));
  return response.ok ? new DOMParser().parseFromString(text, "text/html") : null;
}

document.addEventListener("formdata", (event) => {
  if (team() && event.target.getAttribute("method")?.toLowerCase() === "post") event.formData.set("in_team", team());
});

/**
 * POST a form to an address that answers JSON. Resolves to the answer's object; rejects with an Error whose message is a sentence.
 * `onProgress(fraction)` follows an upload, which fetch cannot do.
 */
export function postForm(url, body, { onProgress, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers({ token: true, Accept: "application/json" }))) request.setRequestHeader(name, value);
    if (onProgress) request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new Error(UNREACHABLE)));
    request.addEventListener("abort", () => reject(new DOMException("Stopped.", "AbortError")));
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* an error page */ }
      if (request.status >= 200 && request.status < 300) { resolve(answer); return; }
      const error = new Error(answer.error || sentenceFor(request.status));
      Object.assign(error, { login: answer.login, status: request.status, wait: Number(request.getResponseHeader("Retry-After")) || 0 });
      reject(error);
    });
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  request.headers["X-Team"] = team();
  if (["GET", "HEAD"].includes(request.method)) return;
  const token = csrfToken();
  request.headers["X-CSRFToken"] = token;
  if (request.body?.has?.("csrfmiddlewaretoken")) request.body.set("csrfmiddlewaretoken", token);
});

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  if (isQuiet(ctx.sourceElement)) return;
  // An answer may bring its own words: a toast, which may or may not find its place by itself.
  if (ctx.text?.includes("data-toast")) {
    const answer = ctx.text.includes("hx-swap-oob") ? null : new DOMParser().parseFromString(ctx.text, "text/html").querySelector("[data-toast]");
    if (answer) document.getElementById("toasts")?.append(document.adoptNode(answer));
    return;
  }
  // 422 is a form with its errors, which is swapped in.
  if (ctx.response.status !== 422) toast(sentenceFor(ctx.response.status), { level: "error" });
});

document.addEventListener("htmx:error", (event) => {
  const { ctx, error } = event.detail;
  if (!ctx || ctx.response || isQuiet(ctx.sourceElement)) return;
  if (error?.name === "AbortError" && ctx.request.signal.reason !== "timeout") return;
  toast(UNREACHABLE, { level: "error" });
});
