// Light, dark or as the system: at once here, and kept by the server for every device (and in a cookie for the pages before sign-in).
import { on } from "./dom.js";
import { csrfToken } from "./requests.js";

const SURFACE = { light: "#fbfaf8", dark: "#191917" };

on("click", "[data-theme-choice] button", (event, button) => {
  event.preventDefault();
  const theme = button.value;
  const lasting = theme ? 60 * 60 * 24 * 365 : 0;
  document.cookie = `theme=${theme}; path=/; max-age=${lasting}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const other of document.querySelectorAll("[data-theme-choice] button")) other.setAttribute("aria-pressed", String(other.value === theme));
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) meta.content = SURFACE[theme] ?? SURFACE[meta.media.includes("dark") ? "dark" : "light"];
  fetch(button.form.action, { method: "POST", body: new URLSearchParams({ theme }), headers: { "X-CSRFToken": csrfToken() }, redirect: "manual" })
    .catch(() => { /* the look stays here, and the cookie keeps it for this browser */ });
});
