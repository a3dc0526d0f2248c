// Pictures of the library are dragged onto galleries: while one is dragged, a bar of the latest galleries stands at the foot.
import { selected } from "../desk/selection.js";
import { on } from "../dom.js";
import { headers, sentenceFor, UNREACHABLE } from "../requests.js";
import { toast } from "../toasts.js";

let carried = [];

const bar = () => document.getElementById("drop-bar");

/** The pictures that go along: all that are selected when the dragged one is among them. */
function pictures(tile) {
  const id = tile.id.replace(/^p-/, "");
  return selected().includes(id) ? selected() : [id];
}

on("dragstart", "[data-library] .wall .tile", async (event, tile) => {
  carried = pictures(tile);
  event.dataTransfer.effectAllowed = "copyLink";
  const mine = carried;
  try {
    const response = await fetch("/galleries/targets/", { headers: headers({ "HX-Request": "true" }), redirect: "error" });
    // 403: who only looks puts nothing anywhere. The drag may be over by now.
    if (!response.ok || carried !== mine || bar()) return;
    const answer = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("drop-bar");
    if (carried === mine && answer?.querySelector("[data-add]")) document.body.append(answer);
  } catch { /* no bar, no drop: the menu of the picture is still there */ }
});

on("dragover", ".drop-target", (event) => {
  if (!carried.length) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
});
on("dragenter", ".drop-target", (event, target) => target.setAttribute("data-over", ""));
on("dragleave", ".drop-target", (event, target) => { if (!target.contains(event.relatedTarget)) target.removeAttribute("data-over"); });

on("drop", ".drop-target", async (event, target) => {
  event.preventDefault();
  const body = new URLSearchParams(carried.map((id) => ["artifact", id]));
  try {
    const response = await fetch(target.dataset.add, { method: "POST", body, headers: headers({ token: true, "HX-Request": "true" }), redirect: "error" });
    if (!response.ok) throw new Error(sentenceFor(response.status));
    const answer = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-toast]");
    document.getElementById("toasts").append(answer);
  } catch (error) {
    toast(error instanceof TypeError ? UNREACHABLE : error.message, { level: "error" });
  }
});

document.addEventListener("dragend", () => {
  carried = [];
  bar()?.remove();
});
