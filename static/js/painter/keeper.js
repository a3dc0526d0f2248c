// What is painted, on its way to the studio: uploaded once the hand rests, and before the form around it is sent. Its id goes into a field.
import { postForm } from "../requests.js";

const IDLE = 1200; // ms without a stroke
const AGAIN = 6000; // ms until an upload that failed is tried once more

export class Keeper {
  /** `painter`: the element; its `mask` and `feather` are what is kept. */
  constructor(painter) { this.painter = painter; }

  get field() { return document.getElementById(this.painter.dataset.field); }

  open() {
    this.onSubmit = (event) => this.holdBack(event);
    document.addEventListener("submit", this.onSubmit, true);
  }

  close() {
    clearTimeout(this.timer);
    document.removeEventListener("submit", this.onSubmit, true);
  }

  /** The mask was changed. */
  touch() {
    this.painter.mask.changes += 1;
    this.saveIn(IDLE);
  }

  saveIn(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save().catch(() => {}), milliseconds);
  }

  /**
   * Upload what is painted and put its id into the field, unless it was painted on meanwhile: then a later call does that.
   * Rejects with a sentence, which is also shown beside the picture.
   */
  async save() {
    clearTimeout(this.timer);
    const { mask, feather, dataset } = this.painter;
    const { changes } = mask;
    try {
      let id = "";
      if (!mask.isEmpty) {
        const body = new FormData();
        body.set("file", await mask.toBlob(feather), "mask.png");
        ({ id } = await postForm(dataset.upload, body));
      }
      if (changes !== mask.changes || !this.field) return;
      mask.kept = changes;
      this.complain("");
      this.field.value = id;
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
    } catch (error) {
      if (changes === mask.changes && this.painter.isConnected) {
        this.complain(`The mask could not be kept. ${error.message}`);
        if (!error.login) this.saveIn(AGAIN);
      }
      throw error;
    }
  }

  complain(message) {
    const place = this.painter.closest("[data-slot]")?.querySelector("[data-upload-error]");
    if (!place) return;
    place.textContent = message;
    place.hidden = !message;
  }

  /** Generate waits until the last strokes are uploaded. */
  holdBack(event) {
    if (this.painter.mask.isKept || event.target !== this.painter.closest("form")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (this.isHolding) return;
    this.isHolding = true;
    const form = event.target;
    const { submitter } = event;
    this.save().finally(() => { this.isHolding = false; }).then(() => form.requestSubmit(submitter)).catch(() => {});
  }
}
