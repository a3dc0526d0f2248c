// The header's numbers: an answer that was on its way while the socket told of them may be older than what they are now, so they are asked
// for once more. It does not matter who asked: Generate, Stop, Approve, Pause, or this very question.
const begun = new WeakMap();
/** How often the socket has told. */
let told = 0;
const brings = ({ target }) => ["balance", "#balance"].includes(target?.id ?? target);

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => begun.set(ctx, told));
document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  if (!tasks.some(brings)) return;
  if (ctx.sourceElement?.id === "live") told += 1;
  else if (begun.has(ctx) && begun.get(ctx) !== told) for (const element of document.querySelectorAll("[data-header]")) window.htmx.trigger(element, "poll", {}, false);
});
