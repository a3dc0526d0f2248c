// The socket is a hint, the row is the truth. While there is no socket, what carries data-poll asks for itself.
// The first message says that the server listens for this page now: until then nothing would be heard, open or not.
import { announce, make } from "./dom.js";
import { toast } from "./toasts.js";

const POLL_EVERY = 3000;
const PATIENCE = 4000;
const LOOK_EVERY = 10000;
/** The server says something every 20 s at least (`BEAT_SECONDS` in `consumers.py`). */
const SILENCE = 50000;
const SLEEP = 30000;
let connection = null;
let isJoined = false;
let lostAt = 0;
let timer = 0;
let heardAt = 0;
let lookedAt = Date.now();

const isOpen = () => connection?.socket?.readyState === WebSocket.OPEN;

function poll() {
  clearTimeout(timer);
  timer = 0;
  if (isOpen() && isJoined) return;
  if (!document.hidden) {
    for (const element of document.querySelectorAll("[data-poll]")) window.htmx.trigger(element, "poll", {}, false);
    showTrouble(lostAt && Date.now() - lostAt > PATIENCE);
  }
  timer = setTimeout(poll, POLL_EVERY);
}

/** A quiet word in the header when the line has been down for a while. */
function showTrouble(isDown) {
  const existing = document.getElementById("offline");
  if (!isDown) { existing?.remove(); return; }
  if (existing) return;
  const chip = make("span", { id: "offline", class: "chip quiet", title: "Live updates are interrupted. Pages stay right; they only refresh more slowly." }, make("span", { class: "dot idle" }), "Reconnecting…");
  document.querySelector(".bar .push")?.prepend(chip);
  announce("Live updates are interrupted. Reconnecting.");
}

/** Tell the socket which job the stage shows, so that a reconnect brings that one. */
export function watchJob(jobId) {
  const element = document.getElementById("live");
  if (!element) return;
  const url = new URL(element.getAttribute("hx-ws:connect"), location.href);
  if (jobId) url.searchParams.set("job", jobId);
  else url.searchParams.delete("job");
  element.setAttribute("hx-ws:connect", url.pathname + url.search);
  if (connection) connection.url = url.href.replace(/^http/, "ws");
}

/** Whether this clock stood still, as it does while a computer sleeps: a line may have been cut meanwhile without a word. */
function hasSlept() {
  const passed = Date.now() - lookedAt;
  lookedAt = Date.now();
  return passed > LOOK_EVERY + SLEEP;
}

// A line that is cut without a word stays open for the browser. A hidden page has none, and its clock is slow.
setInterval(() => {
  const mayBeCut = hasSlept() || Date.now() - heardAt > SILENCE;
  if (!mayBeCut || !isOpen() || document.hidden) return;
  connection.socket.close();
  lose(); // the browser waits for an answer before it says so
}, LOOK_EVERY);

function lose() {
  leave();
  lostAt ||= Date.now();
  if (!timer) timer = setTimeout(poll, POLL_EVERY);
}

function leave() {
  isJoined = false;
  delete document.documentElement.dataset.live;
}

document.addEventListener("htmx:ws:after:connection", (event) => {
  connection = event.detail.connection;
  leave();
  heardAt = Date.now();
});
document.addEventListener("htmx:ws:before:message:incoming", () => { heardAt = Date.now(); });
document.addEventListener("htmx:ws:after:message:incoming", () => {
  if (isJoined || !isOpen()) return;
  isJoined = true;
  lostAt = 0;
  clearTimeout(timer);
  timer = 0;
  showTrouble(false);
  document.documentElement.dataset.live = "on";
});
document.addEventListener("htmx:ws:close", (event) => {
  leave();
  if (event.detail.code === 4401) {
    connection = null;
    toast("You were signed out. Sign in again; what you typed is kept.", { level: "warning", action: { label: "Sign in", href: location.href } });
    return;
  }
  if (event.detail.code === 4451) {
    connection = null;
    toast("The terms of this studio are new. Read them to go on; what you typed is kept.", { level: "warning", action: { label: "Read them", href: location.href } });
    return;
  }
  lose();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  heardAt = lookedAt = Date.now();
  if (isOpen()) return;
  lostAt = Date.now();
  clearTimeout(timer);
  timer = setTimeout(poll, POLL_EVERY);
});
if (document.getElementById("live")) timer = setTimeout(poll, POLL_EVERY);
