// Files that people bring to the library: chosen, dropped anywhere on the page, or pasted. Each has its line in a tray, with its own progress.
import { announce, icon, make, on } from "../dom.js";
import { toast } from "../toasts.js";
import { Line } from "./line.js";

const root = document.querySelector("[data-uploads]");
const part = (name) => root.querySelector(`[data-upload-${name}]`);
const jobs = [];
const line = root && new Line(root.dataset.url, draw);
const ENDED = ["done", "there", "failed", "stopped"];
const SAID = { waiting: "Waits for its turn.", checking: "Is looked at.", stopped: "Stopped." };
const measure = (bytes) => (bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} kB` : `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 * 10 ? 1 : 0)} MB`);

/* --- one line of the tray --- */

function row(job) {
  const bar = make("progress", { max: 1, "aria-label": `Upload of ${job.name}` });
  const words = make("div", { class: "upload-words" }, make("span", { class: "clip upload-name", dir: "auto", title: job.name }, job.name), make("span", { class: "xs upload-said" }), bar);
  const control = (name, symbol, label, act) => {
    const button = make("button", { type: "button", class: "icon small", "aria-label": `${label} ${job.name}`, title: label }, icon(symbol, "small"));
    button.dataset.act = name;
    button.addEventListener("click", act);
    return button;
  };
  const again = control("again", "retry", "Try again:", () => line.add(job));
  const stop = control("stop", "close", "Stop", () => line.stop(job));
  const element = make("li", { class: "upload-row" }, make("span", { class: "upload-thumb" }, icon(job.symbol)), words, again, stop);
  return Object.assign(job, { element, bar });
}

function draw(job) {
  const { element, bar, state } = job;
  const held = element.contains(document.activeElement);
  element.dataset.state = state;
  const said = job.problem || job.answer?.said || SAID[state] || `${Math.round((job.fraction ?? 0) * 100)} % of ${measure(job.file.size)}`;
  element.querySelector(".upload-said").textContent = said;
  bar.hidden = !["sending", "checking"].includes(state);
  if (state === "checking") bar.removeAttribute("value");
  else bar.value = job.fraction ?? 0;
  element.querySelector("[data-act=again]").hidden = !(state === "stopped" || (state === "failed" && job.canRetry));
  element.querySelector("[data-act=stop]").hidden = ENDED.includes(state);
  if (job.answer && ["done", "there"].includes(state)) arrive(job);
  if (job.login && state === "failed") toast(job.problem, { level: "warning", action: { label: "Sign in", href: job.login } });
  if (held && !element.contains(document.activeElement)) (element.querySelector("button:not([hidden]), a") ?? part("close")).focus();
  sum();
}

/** It is in the library: show it as it is there, and lead to it. */
function arrive({ element, answer }) {
  if (element.querySelector("a")) return;
  element.querySelector(".upload-thumb").replaceChildren(make("img", { src: answer.thumb, alt: "", width: 40, height: 40 }));
  const name = element.querySelector(".upload-name");
  name.replaceChildren(make("a", { class: "link", href: answer.url }, name.textContent));
  document.dispatchEvent(new CustomEvent("pictures:uploaded", { detail: { id: answer.id, isNew: answer.is_new } }));
}

/* --- all of them --- */

const count = (...states) => jobs.filter((job) => states.includes(job.state)).length;
let wasBusy = false;

function sum() {
  const [ended, refused, new_, old] = [count(...ENDED), count("failed"), count("done"), count("there")];
  const busy = ended < jobs.length;
  const all = [new_ && `${new_} uploaded`, old && `${old} there already`, refused && `${refused} refused`, count("stopped") && `${count("stopped")} stopped`];
  const text = busy ? `Uploading ${Math.min(ended + 1, jobs.length)} of ${jobs.length}` : all.filter(Boolean).join(", ") || "Uploads";
  if (part("title").textContent !== text) part("title").textContent = text;
  part("close").hidden = busy;
  part("stop").hidden = !busy;
  part("show").hidden = busy || !(new_ + old);
  if (wasBusy && !busy) announce(`${text}.`);
  wasBusy = busy;
}

function take(files) {
  if (!files.length) return;
  part("tray").hidden = false;
  announce(`Uploading ${files.length} file${files.length === 1 ? "" : "s"}.`);
  for (const file of files) {
    const symbol = file.type.startsWith("audio/") ? "sound" : /\.glb$/i.test(file.name) ? "model" : "image";
    const job = row({ file, name: file.name || "Pasted picture", symbol, state: "waiting" });
    jobs.push(job);
    part("list").append(job.element);
    const most = Number(root.dataset.most);
    if (file.size > most) draw(Object.assign(job, { state: "failed", problem: `This file has ${measure(file.size)}; ${measure(most)} is the most. Save it smaller.` }));
    else line.add(job);
  }
}

/** The files of a drop. A folder is none: the browser would send nothing of it, and say nothing. */
function dropped(transfer) {
  const folders = [...transfer.items].filter((item) => item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile()?.name);
  if (folders.length) toast(`“${folders[0]}” is a folder. Open it and drop the files in it.`, { level: "warning" });
  return [...transfer.files].filter((file) => !folders.includes(file.name));
}

if (root) {
  on("click", "[data-upload-open]", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    part("input").click();
  });
  on("change", "[data-upload-input], [data-upload-form] input[type=file]", (event, input) => { const files = [...input.files]; input.value = ""; take(files); });
  on("click", "[data-upload-stop]", () => { for (const job of [...jobs].reverse()) if (!ENDED.includes(job.state)) line.stop(job); });
  on("click", "[data-upload-close]", () => {
    part("tray").hidden = true;
    part("list").replaceChildren();
    jobs.length = 0;
    document.querySelector("[data-upload-open], [data-upload-form] input[type=file]")?.focus();
  });
  addEventListener("beforeunload", (event) => { if (line.isBusy) event.preventDefault(); });

  // --- dropped and pasted -------------------------------------------------------------------------------------------------------------------
  let depth = 0;
  let isOwn = false; // something of this page, a tile for instance, is dragged: it may look like a file
  const carries = (event) => !isOwn && event.dataTransfer?.types.includes("Files");
  const hide = () => { depth = 0; part("veil").hidden = true; };
  document.addEventListener("dragstart", () => { isOwn = true; });
  document.addEventListener("dragend", () => { isOwn = false; });
  document.addEventListener("dragenter", (event) => { if (carries(event)) { depth += 1; part("veil").hidden = false; } });
  document.addEventListener("dragleave", (event) => { if (carries(event) && (depth -= 1) <= 0) hide(); });
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    hide();
    take(dropped(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    take(files);
  });
}
