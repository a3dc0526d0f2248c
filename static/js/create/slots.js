// Files that come in: chosen, dropped, pasted or taken from the library. Each slot of the panel is on its own; a picture with settings in it
// may also bring those back.
import { announce, on } from "../dom.js";
import { postForm } from "../requests.js";
import { toast } from "../toasts.js";
import { drawFrom, panel, redraw, reveal } from "./panel.js";
import { holdsSettings } from "./settings-in-file.js";

const page = document.querySelector("[data-create]");
const veil = document.querySelector("[data-drop-veil]");
const chooser = document.getElementById("from-library");
const uploads = new Map();
/** A redraw starts from what the one before it left: two files that arrive at once must both stay. */
let line = Promise.resolve();

const slots = () => [...panel().querySelectorAll("[data-slot]")];
const slotCalled = (name) => slots().find((slot) => slot.dataset.slot === name);
const kindOf = (slot) => (slot.dataset.kind === "audio" ? "audio" : "image");
const isEmpty = (slot) => Boolean(slot.querySelector(".drop"));
/** Where a file goes that was given to no slot in particular. */
const placeFor = (kind) => { const able = slots().filter((slot) => kindOf(slot) === kind); return able.find(isEmpty) ?? able[0]; };
const isSound = (file) => file.type.startsWith("audio/") || /\.(mp3|wav)$/i.test(file.name);

function complain(name, message) {
  const place = slotCalled(name)?.querySelector("[data-upload-error]");
  if (place) { place.textContent = message; place.hidden = !message; }
  else if (message) toast(message, { level: "error" });
}

function progress(name, fraction) {
  const bar = slotCalled(name)?.querySelector("[data-upload-progress]");
  if (!bar) return;
  bar.hidden = fraction === null;
  if (fraction !== null) bar.value = fraction;
}

/** What else changes with a slot: a mask belongs to its picture, and what came from the library gives way to what was put in its place. */
function values(name, id) {
  return { [name]: id, ...(name === "image" ? { mask_image: null } : {}), ...(slots().findIndex((slot) => slot.dataset.slot === name) <= 0 ? { source: null } : {}) };
}

function put(name, id, others = {}) {
  // At once, not with the redraw alone: who presses a mode or an engine before that is back takes the file along.
  const fields = panel().elements;
  if (fields[name]) for (const [field, value] of Object.entries(values(name, id))) if (fields[field]) fields[field].value = value ?? "";
  line = line.then(() => redraw({ ...values(name, id), ...others })).then(() => reveal(slotCalled(name)));
  return line;
}

function explain(name, problem) {
  if (problem.name === "AbortError") return;
  if (problem.login) toast(problem.message, { level: "warning", action: { label: "Sign in", href: problem.login } });
  else complain(name, problem.message);
}

/** Upload a file into a slot. Where the mode has none for it, the panel becomes one that has. */
async function upload(file, name, others) {
  uploads.get(name)?.abort();
  const turn = new AbortController();
  uploads.set(name, turn);
  complain(name, "");
  progress(name, 0);
  announce("Uploading the file.");
  const body = new FormData();
  body.set("file", file, file.name || "pasted.png");
  body.set("kind", slotCalled(name)?.dataset.kind ?? "");
  try {
    const taken = await postForm(page.dataset.upload, body, { onProgress: (fraction) => progress(name, fraction), signal: turn.signal });
    await put(name, taken.id, others);
    announce(taken.seconds ? `The sound is in place, ${Math.round(taken.seconds)} seconds.` : `The picture is in place, ${taken.width} by ${taken.height} pixels.`);
  } catch (problem) {
    explain(name, problem);
  } finally {
    if (uploads.get(name) === turn) { uploads.delete(name); progress(name, null); }
  }
}

async function startFrom(file, slot) {
  if (slot) return upload(file, slot.dataset.slot);
  if (!isSound(file)) return upload(file, "image", { mode: "image-to-image" });
  if ("takesSound" in panel().dataset) return upload(file, "audio", { mode: "audio-to-audio" });
  toast("No engine here starts from a sound.", { level: "error" });
}

async function restoreFrom(file) {
  const body = new FormData();
  body.set("file", file, file.name || "dropped.png");
  try {
    const { url, said } = await postForm(page.dataset.read, body);
    await drawFrom(url);
    reveal();
    toast(said, { level: "success" });
  } catch (problem) {
    toast(problem.message, { level: "error", action: problem.login && { label: "Sign in", href: problem.login } });
  }
}

/** Ask what a picture with settings in it is for. Resolves to "image", "settings" or "" for neither. */
function ask(file) {
  const dialog = document.getElementById("dropped");
  const shown = dialog.querySelector("img");
  const address = URL.createObjectURL(file);
  shown.src = address;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => { URL.revokeObjectURL(address); resolve(dialog.returnValue); }, { once: true }));
}

/** What came in from outside; `slot` when it was given to one. */
async function take(file, slot) {
  if (!file) return;
  const kind = isSound(file) ? "audio" : "image";
  if (slot && kindOf(slot) !== kind) {
    complain(slot.dataset.slot, kindOf(slot) === "audio" ? `“${file.name}” is not a sound. Choose an MP3 or WAV file.` : `“${file.name}” is not a picture. Choose a PNG, JPEG, WebP or AVIF file.`);
    return;
  }
  if (file.type && !/^(image|audio)\//.test(file.type)) {
    const message = `“${file.name}” is not a picture. Choose a PNG, JPEG, WebP or AVIF file.`;
    const place = slot ?? placeFor("image");
    if (place) complain(place.dataset.slot, message);
    else toast(message, { level: "error" });
    return;
  }
  const purpose = !slot && kind === "image" && (await holdsSettings(file)) ? await ask(file) : "image";
  if (purpose === "settings") await restoreFrom(file);
  else if (purpose === "image") await startFrom(file, slot ?? placeFor(kind));
}

/** Put something of the library into a slot; `address` answers as an upload does. */
async function takeFrom(address, name) {
  complain(name, "");
  try {
    const taken = await postForm(address, new FormData());
    await put(name, taken.id);
  } catch (problem) {
    explain(name, problem);
  }
}

if (panel()) {
  on("change", "[data-choose]", (event, input) => { const [file] = input.files; input.value = ""; take(file, input.closest("[data-slot]")); });

  on("click", "[data-empty-slot]", (event, link) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const name = link.dataset.emptySlot;
    uploads.get(name)?.abort();
    line = line.then(() => redraw(name ? values(name, null) : { source: null }));
  });

  // --- from the library ---------------------------------------------------------------------------------------------------------------------
  on("click", "[data-from-library]", (event, link) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    chooser.dataset.for = link.closest("[data-slot]").dataset.slot;
    window.htmx.ajax("GET", link.href, { target: "#choose", swap: "outerHTML", source: chooser }).then(() => chooser.showModal());
  });
  on("submit", "[data-take]", (event, form) => {
    if (!chooser.contains(form)) return;
    event.preventDefault();
    chooser.close();
    takeFrom(form.action, chooser.dataset.for);
  });

  // --- dropped and pasted -------------------------------------------------------------------------------------------------------------------
  let depth = 0;
  const carries = (event) => event.dataTransfer && [...event.dataTransfer.types].some((type) => type === "Files" || type === "text/uri-list");
  const isOwn = (event) => [...event.dataTransfer.types].includes("text/uri-list") && !event.dataTransfer.types.includes("Files");
  document.addEventListener("dragenter", (event) => { if (carries(event)) { depth += 1; veil.hidden = false; } });
  document.addEventListener("dragleave", (event) => { if (carries(event)) { depth -= 1; if (depth <= 0) { depth = 0; veil.hidden = true; } } });
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    const over = event.target.closest?.("[data-slot]");
    for (const slot of slots()) slot.toggleAttribute("data-over", slot === over);
  });
  document.addEventListener("drop", (event) => {
    depth = 0;
    veil.hidden = true;
    for (const slot of slots()) slot.removeAttribute("data-over");
    if (!carries(event)) return;
    event.preventDefault();
    const slot = event.target.closest?.("[data-slot]");
    const [file] = event.dataTransfer.files;
    if (file) { take(file, slot); return; }
    // Something of the studio itself, dragged from the strip, the feed or another window with the library.
    const link = isOwn(event) && event.dataTransfer.getData("text/uri-list").split("\n").find((text) => text && !text.startsWith("#"));
    const found = link && new URL(link, location.href).origin === location.origin && link.match(/\/pictures\/([0-9a-f-]{36})\//) || link && link.match(/[?&]selected=([0-9a-f-]{36})/);
    if (!found) return;
    const place = slot ?? placeFor("image");
    if (place) takeFrom(page.dataset.take.replace(/[0-9a-f-]{36}/, found[1]), place.dataset.slot);
    else drawFrom(`${page.dataset.page}?from=${found[1]}&use=image`).then(() => reveal());
  });

  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    take(file);
  });
}
