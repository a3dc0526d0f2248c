// A mask as a list of things that were done to it: undo steps back, redo steps forward, and the pixels follow by doing them again.
// Coordinates and sizes are pixels of the mask; opaque means "changes".

const KEPT = 80;
const BAKED = 20;
const LONGEST = 2048;

const canvasOf = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

/** Three box blurs in a row are close to a Gaussian; `values` is one byte a pixel. `radius` in pixels. */
export function blurred(values, width, height, radius) {
  const reach = Math.round(radius / 2);
  if (reach < 1) return values;
  let from = Float32Array.from(values);
  let to = new Float32Array(values.length);
  const pass = (count, length, stride, next) => {
    const window = 2 * reach + 1;
    for (let line = 0; line < count; line += 1) {
      const start = line * next;
      let sum = from[start] * (reach + 1);
      for (let i = 1; i <= reach; i += 1) sum += from[start + Math.min(i, length - 1) * stride];
      for (let i = 0; i < length; i += 1) {
        to[start + i * stride] = sum / window;
        sum += from[start + Math.min(i + reach + 1, length - 1) * stride] - from[start + Math.max(i - reach, 0) * stride];
      }
    }
    [from, to] = [to, from];
  };
  for (let round = 0; round < 3; round += 1) {
    pass(height, width, 1, width);
    pass(width, height, width, 1);
  }
  return Uint8ClampedArray.from(from);
}

export class Mask {
  constructor(width, height) {
    this.full = { width, height };
    this.scale = Math.min(1, LONGEST / Math.max(width, height));
    this.width = Math.max(1, Math.round(width * this.scale));
    this.height = Math.max(1, Math.round(height * this.scale));
    this.canvas = canvasOf(this.width, this.height);
    this.base = canvasOf(this.width, this.height);
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.steps = [];
    this.done = 0;
    this.isLoaded = false;
    /** How often it was changed, and which of these states the studio has: strokes that are not kept yet outlive a panel that is drawn again. */
    this.changes = 0;
    this.kept = 0;
  }

  get isKept() { return this.kept === this.changes; }

  get canUndo() { return this.done > 0; }

  get canRedo() { return this.done < this.steps.length; }

  /** Start from a picture of a mask: white changes. */
  load(image) {
    const pen = this.base.getContext("2d", { willReadFrequently: true });
    pen.drawImage(image, 0, 0, this.width, this.height);
    const pixels = pen.getImageData(0, 0, this.width, this.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      pixels.data[i + 3] = (pixels.data[i] * pixels.data[i + 3]) / 255;
      pixels.data[i] = pixels.data[i + 1] = pixels.data[i + 2] = 255;
    }
    pen.putImageData(pixels, 0, 0);
    this.isLoaded = true;
    this.redo(0);
  }

  begin(x, y, size, erases) {
    this.#add({ kind: "stroke", points: [[x, y, size]], erases });
  }

  move(x, y, size) {
    const stroke = this.steps[this.done - 1];
    stroke.points.push([x, y, size]);
    this.#segment(this.pen, stroke, stroke.points.length - 1);
  }

  invert() { this.#add({ kind: "invert" }); }

  clear() { this.#add({ kind: "clear" }); }

  undo() { if (this.canUndo) this.redo(-1); }

  /** Go `by` steps forward (1) or back (-1), or draw the present state again (0). */
  redo(by = 1) {
    this.done = Math.max(0, Math.min(this.steps.length, this.done + by));
    this.pen.globalCompositeOperation = "copy";
    this.pen.drawImage(this.base, 0, 0);
    for (const step of this.steps.slice(0, this.done)) this.#draw(this.pen, step);
  }

  #add(step) {
    this.steps.length = this.done;
    this.steps.push(step);
    this.done += 1;
    if (this.steps.length > KEPT) {
      const pen = this.base.getContext("2d");
      for (const old of this.steps.splice(0, BAKED)) this.#draw(pen, old);
      this.done -= BAKED;
    }
    this.#draw(this.pen, step);
  }

  #draw(pen, step) {
    if (step.kind === "stroke") {
      for (let i = 0; i < step.points.length; i += 1) this.#segment(pen, step, i);
      return;
    }
    pen.globalCompositeOperation = step.kind === "invert" ? "xor" : "destination-out";
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, this.width, this.height);
  }

  #segment(pen, stroke, i) {
    const [x, y, size] = stroke.points[i];
    const [fromX, fromY] = stroke.points[Math.max(0, i - 1)];
    pen.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
    pen.strokeStyle = pen.fillStyle = "#fff";
    pen.lineCap = "round";
    pen.lineWidth = size;
    pen.beginPath();
    if (x === fromX && y === fromY) { pen.arc(x, y, size / 2, 0, 2 * Math.PI); pen.fill(); } else { pen.moveTo(fromX, fromY); pen.lineTo(x, y); pen.stroke(); }
  }

  /** How much of the picture changes, 0 to 1. */
  get coverage() {
    const small = canvasOf(64, 64).getContext("2d", { willReadFrequently: true });
    small.drawImage(this.canvas, 0, 0, 64, 64);
    const { data } = small.getImageData(0, 0, 64, 64);
    let sum = 0;
    for (let i = 3; i < data.length; i += 4) sum += data[i];
    return sum / (255 * 64 * 64);
  }

  get isEmpty() {
    const { data } = this.pen.getImageData(0, 0, this.width, this.height);
    for (let i = 3; i < data.length; i += 4) if (data[i] > 7) return false;
    return true;
  }

  /** The mask as an opaque PNG of the picture's size, white where it changes, its edge softened over `feather` pixels of the picture. */
  toBlob(feather) {
    const { data } = this.pen.getImageData(0, 0, this.width, this.height);
    let values = new Uint8ClampedArray(this.width * this.height);
    for (let i = 0; i < values.length; i += 1) values[i] = data[4 * i + 3];
    values = blurred(values, this.width, this.height, feather * this.scale);
    for (let i = 0; i < values.length; i += 1) {
      data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = values[i];
      data[4 * i + 3] = 255;
    }
    let result = canvasOf(this.width, this.height);
    result.getContext("2d").putImageData(new ImageData(data, this.width, this.height), 0, 0);
    if (this.scale < 1 && this.full.width * this.full.height <= 16_777_216) {
      const large = canvasOf(this.full.width, this.full.height);
      large.getContext("2d").drawImage(result, 0, 0, large.width, large.height);
      result = large;
    }
    return new Promise((resolve, reject) => { result.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser could not make the mask. Try a smaller picture."))), "image/png"); });
  }
}
