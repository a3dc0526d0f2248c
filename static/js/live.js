// The socket is a hint, the row is the truth. While there is no socket, what carries data-poll asks for itself.
import { announce, make } from "./dom.js";
import { toast } from "./toasts.js";

const POLL_EVERY = 3000;
const PATIENCE = 4000;
let connection = null;
let lostAt = 0;
let timer = 0;

const isOpen = () => connection?.socket?.readyState === WebSocket.OPEN;

function poll() {
  clearTimeout(timer);
  timer = 0;
  if (isOpen()) return;
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

document.addEventListener("htmx:ws:after:connection", (event) => {
  connection = event.detail.connection;
  lostAt = 0;
  clearTimeout(timer);
  timer = 0;
  showTrouble(false);
  document.documentElement.dataset.live = "on";
});
document.addEventListener("htmx:ws:close", (event) => {
  delete document.documentElement.dataset.live;
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
  lostAt ||= Date.now();
  if (!timer) timer = setTimeout(poll, POLL_EVERY);
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && !isOpen()) { lostAt = Date.now(); clearTimeout(timer); timer = setTimeout(poll, POLL_EVERY); } });
if (document.getElementById("live")) timer = setTimeout(poll, POLL_EVERY);
