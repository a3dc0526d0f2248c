// The page of a batch: at each beat over the socket it asks for the rows that changed.
import { whenever } from "./dom.js";

whenever("[data-batch-beat]", (pulse) => {
  if (!pulse.dataset.batchBeat) return;
  const watch = document.querySelector("[data-batch-watch]");
  if (watch) window.htmx.trigger(watch, "batch:news", {}, false);
});
