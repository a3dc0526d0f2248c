// <audio-player data-peaks="3,40,…">: a sound with its wave. Inside it is a plain <audio controls>, which is all there is without script.
import { icon, make } from "../dom.js";

const BAR = 4; // CSS pixels from one bar of the wave to the next
const SVG = "http://www.w3.org/2000/svg";
const SMALL = 5; // seconds that an arrow key goes
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const clamp = (value, most) => Math.min(most, Math.max(0, value));
let count = 0;

function drawn(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

class AudioPlayer extends HTMLElement {
  connectedCallback() {
    if (this.button) { this.size.observe(this.wave); return; }
    this.audio = this.querySelector("audio");
    this.peaks = (this.dataset.peaks || "").split(",").filter(Boolean).map(Number);
    this.button = make("button", { type: "button", class: "play" });
    this.time = make("span", { class: "time xs num muted", "aria-hidden": "true" });
    this.wave = this.makeWave();
    this.audio.controls = false;
    this.append(this.button, this.wave, this.time);
    this.button.addEventListener("click", () => this.toggle());
    for (const event of ["play", "pause", "ended", "timeupdate", "seeking", "loadedmetadata", "durationchange"]) this.audio.addEventListener(event, () => this.show());
    this.audio.addEventListener("play", () => { this.quietOthers(); this.run(); });
    this.audio.addEventListener("error", () => this.fail());
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(this.wave);
    this.show();
  }

  disconnectedCallback() { this.size?.disconnect(); this.audio?.pause(); }

  get length() { return Number.isFinite(this.audio.duration) ? this.audio.duration : Number(this.dataset.seconds) || 0; }

  makeWave() {
    const id = `wave-${++count}`;
    this.played = drawn("rect", { width: 0, height: "100%" });
    this.bars = [drawn("path", { class: "to-come" }), drawn("path", { class: "played", "clip-path": `url(#${id})` })];
    const picture = drawn("svg", { "aria-hidden": "true", focusable: "false" }, drawn("clipPath", { id }, this.played), ...this.bars);
    const wave = make("div", { class: "wave", role: "slider", tabindex: 0, "aria-label": "Position", "aria-valuemin": 0 }, picture);
    wave.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      wave.setPointerCapture(event.pointerId);
      this.seekTo(event);
    });
    wave.addEventListener("pointermove", (event) => { if (wave.hasPointerCapture(event.pointerId)) this.seekTo(event); });
    wave.addEventListener("keydown", (event) => this.press(event));
    return wave;
  }

  /** The wave in as many bars as there is room for. */
  draw() {
    const { clientWidth: width, clientHeight: height } = this.wave;
    const bars = Math.max(1, Math.min(this.peaks.length || 1, Math.floor(width / BAR)));
    const step = width / bars;
    let path = "";
    for (let bar = 0; bar < bars; bar++) {
      const part = this.peaks.slice(Math.floor((bar * this.peaks.length) / bars), Math.max(Math.floor(((bar + 1) * this.peaks.length) / bars), 1));
      const reach = Math.max(1, (height / 2 - 3) * (Math.max(0, ...part) / 100));
      path += `M${(step * (bar + 0.5)).toFixed(1)} ${(height / 2 - reach).toFixed(1)}v${(2 * reach).toFixed(1)}`;
    }
    for (const one of this.bars) one.setAttribute("d", path);
    this.show();
  }

  toggle() { if (this.audio.paused) this.audio.play().catch(() => {}); else this.audio.pause(); }

  seekTo(event) {
    const box = this.wave.getBoundingClientRect();
    this.seek(((event.clientX - box.left) / box.width) * this.length);
  }

  seek(seconds) {
    this.audio.currentTime = clamp(seconds, this.length);
    this.show();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = this.audio.currentTime;
    const act = {
      ArrowLeft: () => this.seek(now - SMALL),
      ArrowDown: () => this.seek(now - SMALL),
      ArrowRight: () => this.seek(now + SMALL),
      ArrowUp: () => this.seek(now + SMALL),
      PageDown: () => this.seek(now - this.length / 10),
      PageUp: () => this.seek(now + this.length / 10),
      Home: () => this.seek(0),
      End: () => this.seek(this.length),
      " ": () => this.toggle(),
      Enter: () => this.toggle(),
    }[event.key];
    if (!act) return;
    event.preventDefault(); // the page's own arrows lead to the next picture
    act();
  }

  show() {
    const { currentTime: now, paused } = this.audio;
    const length = this.length;
    this.button.setAttribute("aria-label", paused ? "Play" : "Pause");
    if (this.button.dataset.shows !== String(paused)) this.button.replaceChildren(icon(paused ? "play" : "pause"));
    this.button.dataset.shows = String(paused);
    this.time.textContent = `${clock(now)} / ${clock(Math.round(length))}`;
    this.played.setAttribute("width", length ? (this.wave.clientWidth * now) / length : 0);
    this.wave.setAttribute("aria-valuemax", Math.round(length));
    this.wave.setAttribute("aria-valuenow", Math.round(now));
    this.wave.setAttribute("aria-valuetext", `${clock(now)} of ${clock(Math.round(length))}`);
  }

  /** While it plays the wave fills with every frame; the browser tells of the time only four times a second. */
  run() {
    if (this.audio.paused || !this.isConnected) return;
    this.show();
    requestAnimationFrame(() => this.run());
  }

  quietOthers() { for (const other of document.querySelectorAll("audio-player")) if (other !== this) other.audio?.pause(); }

  fail() {
    if (this.querySelector("[role=alert]")) return;
    this.append(make("p", { class: "xs bad-ink", role: "alert" }, "The sound could not be loaded. Reload the page, or download it."));
  }
}
customElements.define("audio-player", AudioPlayer);
