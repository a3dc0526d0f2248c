// <mask-painter>: paint over the picture inside it. By mouse, pen, touch or keyboard; the result is uploaded and its id put into a field.
import { announce, icon, isTyping, make } from "../dom.js";
import { Keeper } from "./keeper.js";
import { Mask } from "./mask.js";
import { Overlay } from "./overlay.js";
import { buildTools } from "./tools.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** Masks of pictures seen in this page: a panel that is drawn again keeps the strokes and their history. */
const known = new Map();

class MaskPainter extends HTMLElement {
  connectedCallback() {
    if (this.board) return;
    this.image = this.querySelector("img");
    this.keeper = new Keeper(this);
    this.size = 48;
    this.feather = 0;
    this.erases = false;
    this.setAttribute("aria-busy", "true");
    this.build();
    if (this.image.complete && this.image.naturalWidth) this.start();
    else this.image.addEventListener("load", () => this.start(), { once: true });
    this.image.addEventListener("error", () => this.keeper.complain("The picture to paint on could not be loaded. Reload the page."), { once: true });
  }

  disconnectedCallback() {
    this.observer?.disconnect();
    this.keeper?.close();
    document.removeEventListener("keydown", this.onKey);
  }

  // --- what it looks like -----------------------------------------------------------------------------------------------------------------

  build() {
    this.canvas = make("canvas", {
      tabindex: "0",
      role: "application",
      "aria-roledescription": "mask",
      "aria-label": "Mask. Arrow keys move the brush, Shift moves faster, Space paints, Enter puts the brush down or lifts it, E erases, B paints, square brackets change the size.",
    });
    this.board = make("div", { class: "board" });
    this.image.replaceWith(this.board);
    this.board.append(this.image, this.canvas);
    this.overlay = new Overlay(this.canvas);
    const tools = buildTools({
      use: (erases) => this.use(erases),
      undo: () => this.change(() => this.mask.undo(), "Undone"),
      redo: () => this.change(() => this.mask.redo(), "Redone"),
      invert: () => this.change(() => this.mask.invert(), "Swapped"),
      clear: () => this.change(() => this.mask.clear(), "Cleared"),
      enlarge: () => this.toggleLarge(),
      size: (value) => { this.size = value; this.paint(); },
      feather: (value) => { this.feather = value; if (this.mask) this.keeper.touch(); },
    });
    Object.assign(this, tools.controls);
    this.append(...tools.parts);
  }

  start() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    this.style.setProperty("--ratio", String(width / height));
    this.mask = known.get(this.image.src);
    if (!this.mask) {
      this.mask = new Mask(width, height);
      if (known.size > 4) known.delete(known.keys().next().value);
      known.set(this.image.src, this.mask);
      if (this.dataset.mask) this.restore();
    }
    this.sizeSlider.max = String(Math.max(64, Math.round(Math.max(width, height) / 3)));
    this.resizeTo(Math.max(4, Math.round(Math.max(width, height) / 11)));
    this.cursor = { x: this.mask.width / 2, y: this.mask.height / 2, isShown: false };
    this.listen();
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.board);
    this.fit();
    this.renew();
    this.removeAttribute("aria-busy");
    if (!this.mask.isKept || (!this.mask.isEmpty && !this.keeper.field?.value)) this.keeper.touch();
  }

  restore() {
    const kept = new Image();
    kept.addEventListener("load", () => { this.mask.load(kept); this.paint(); this.renew(); });
    kept.src = this.dataset.mask;
  }

  fit() {
    this.overlay.fit(this.board.getBoundingClientRect());
    this.paint();
  }

  paint() {
    if (!this.mask || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.overlay.draw(this.mask, { ...this.cursor, size: this.size * this.mask.scale, erases: this.erases, isDown: this.isDown });
    });
  }

  // --- hands --------------------------------------------------------------------------------------------------------------------------------

  listen() {
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * this.mask.width, ((event.clientY - box.top) / box.height) * this.mask.height];
    };
    const width = (event) => this.size * this.mask.scale * (event.pointerType === "pen" && event.pressure ? 0.35 + 0.65 * event.pressure : 1);
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      event.preventDefault();
      this.strokeBy = event.pointerId;
      [this.cursor.x, this.cursor.y] = at(event);
      this.mask.begin(...at(event), width(event), this.erases);
      this.paint();
    });
    canvas.addEventListener("pointermove", (event) => {
      Object.assign(this.cursor, { isShown: true });
      [this.cursor.x, this.cursor.y] = at(event);
      if (this.strokeBy === event.pointerId) {
        const events = event.getCoalescedEvents?.() ?? [];
        for (const one of events.length ? events : [event]) this.mask.move(...at(one), width(one));
      }
      this.paint();
    });
    const lift = (event) => { if (this.strokeBy === event.pointerId) { this.strokeBy = undefined; this.finish(); } };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
    canvas.addEventListener("pointerleave", () => { if (document.activeElement !== canvas) { this.cursor.isShown = false; this.paint(); } });
    canvas.addEventListener("focus", () => { this.cursor.isShown = true; this.paint(); });
    canvas.addEventListener("blur", () => { this.liftBrush(); this.cursor.isShown = false; this.paint(); });
    canvas.addEventListener("keydown", (event) => this.drive(event));
    canvas.addEventListener("keyup", (event) => { if (event.key === " " && this.isHeld) { this.isHeld = false; this.liftBrush(); } });
    this.onKey = (event) => this.command(event);
    document.addEventListener("keydown", this.onKey);
    this.keeper.open();
  }

  drive(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { mask, cursor } = this;
    const direction = ARROWS[event.key];
    if (direction) {
      const step = Math.max(1, (this.size * mask.scale) / 4) * (event.shiftKey ? 4 : 1);
      cursor.x = Math.min(mask.width, Math.max(0, cursor.x + direction[0] * step));
      cursor.y = Math.min(mask.height, Math.max(0, cursor.y + direction[1] * step));
      cursor.isShown = true;
      if (this.isDown) mask.move(cursor.x, cursor.y, this.size * mask.scale);
      this.paint();
      clearTimeout(this.speech);
      this.speech = setTimeout(() => announce(`${Math.round((100 * cursor.x) / mask.width)} % across, ${Math.round((100 * cursor.y) / mask.height)} % down`), 350);
    } else if (event.key === " " || event.key === "Enter") {
      if (event.repeat) { event.preventDefault(); return; }
      if (event.key === "Enter" && this.isDown) this.liftBrush();
      else if (!this.isDown) {
        this.isDown = true;
        this.isHeld = event.key === " ";
        mask.begin(cursor.x, cursor.y, this.size * mask.scale, this.erases);
        if (!this.isHeld) announce(this.erases ? "Eraser down" : "Brush down");
        this.paint();
      }
    } else if (event.key === "b") this.use(false);
    else if (event.key === "e") this.use(true);
    else if (event.key === "i") this.change(() => mask.invert(), "Swapped");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  liftBrush() {
    if (!this.isDown) return;
    this.isDown = this.isHeld = false;
    this.finish();
  }

  /** Keys that work wherever one is on the page, except where one types. */
  command(event) {
    if (event.defaultPrevented || isTyping(event.target)) return;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      const forward = key === "y" || event.shiftKey;
      this.change(() => (forward ? this.mask.redo() : this.mask.undo()), forward ? "Redone" : "Undone");
    } else if (!event.ctrlKey && !event.metaKey && (key === "[" || key === "]")) {
      this.resize(key === "]" ? 1.2 : 1 / 1.2);
    } else if (key === "escape" && this.isLarge) this.toggleLarge();
    else return;
    event.preventDefault();
  }

  resize(factor) {
    const size = Math.round(this.size * factor) + (factor > 1 ? 1 : -1);
    this.resizeTo(Math.max(Number(this.sizeSlider.min), Math.min(Number(this.sizeSlider.max), size)));
    announce(`Brush ${this.size} pixels`);
    this.paint();
  }

  resizeTo(size) {
    this.size = size;
    this.sizeSlider.value = String(size);
    this.sizeSlider.nextElementSibling.value = `${size} px`;
  }

  use(erases) {
    this.erases = erases;
    this.brush.setAttribute("aria-pressed", String(!erases));
    this.eraser.setAttribute("aria-pressed", String(erases));
    announce(erases ? "Eraser" : "Brush");
    this.paint();
  }

  toggleLarge() {
    this.isLarge = !this.isLarge;
    if (this.isLarge) { this.popover = "manual"; this.showPopover(); } else { this.hidePopover(); this.removeAttribute("popover"); }
    this.enlarge.className = this.isLarge ? "act primary" : "icon";
    this.enlarge.title = this.isLarge ? "Back to the panel (Esc)" : "Paint on a larger picture";
    this.enlarge.replaceChildren(...(this.isLarge ? ["Done"] : [icon("upscale")]));
    this.enlarge.setAttribute("aria-label", this.isLarge ? "Done, back to the panel" : this.enlarge.title);
    this.canvas.focus();
  }

  // --- what comes of it --------------------------------------------------------------------------------------------------------------------------

  change(act, words) {
    if (!this.mask) return;
    act();
    this.paint();
    this.finish(words);
  }

  finish(words = this.erases ? "Erased" : "Painted") {
    clearTimeout(this.speech);
    this.renew();
    this.keeper.touch();
    announce(`${words}. ${Math.round(100 * this.mask.coverage)} % of the picture changes.`);
  }

  renew() {
    this.back.disabled = !this.mask.canUndo;
    this.forth.disabled = !this.mask.canRedo;
  }
}
customElements.define("mask-painter", MaskPainter);
