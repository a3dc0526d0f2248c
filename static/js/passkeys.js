// What a person reads when the browser and a passkey do not come together. allauth's own script only writes to the console.
import { toast } from "./toasts.js";

const SENTENCES = {
  NotAllowedError: "No passkey was used. Try again, or choose another way.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "Passkeys do not work under this address. Open the studio by its name (localhost, not 127.0.0.1), over HTTPS unless it is on this machine.",
  NotSupportedError: "This browser cannot make such a passkey.",
};

document.addEventListener("allauth.error", (event) => {
  const { exception } = event.detail;
  if (SENTENCES[exception?.name]) event.preventDefault();
  toast(SENTENCES[exception?.name] ?? "The passkey could not be used. Reload the page and try again.", { level: "error" });
});
