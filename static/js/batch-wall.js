// The page of a batch: at each beat over the socket it asks for the rows that changed, and for what is counted beside them.
import { whenever } from "./dom.js";

whenever("[data-batch-beat]", (pulse) => {
  if (!pulse.dataset.batchBeat) return;
  for (const watch of document.querySelectorAll("[data-batch-watch]")) window.htmx.trigger(watch, "batch:news", {}, false);
});
