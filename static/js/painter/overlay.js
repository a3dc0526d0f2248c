// What the painter shows over the picture: the mask in stripes, and the brush. Drawn in the screen's own pixels.

const density = () => window.devicePixelRatio || 1;

/** Stripes of two tones: what is painted is seen on a picture of any colour. */
function stripes(pen) {
  const unit = Math.round(4 * density());
  const tile = Object.assign(document.createElement("canvas"), { width: 2 * unit, height: 2 * unit });
  const drawer = tile.getContext("2d");
  drawer.fillStyle = "rgb(255 84 32 / .62)";
  drawer.fillRect(0, 0, 2 * unit, 2 * unit);
  drawer.fillStyle = "rgb(255 226 214 / .5)";
  for (const shift of [-2, 0, 2]) {
    drawer.beginPath();
    for (const [x, y] of [[shift, 2], [shift + 2, 0], [shift + 2.5, 0], [shift + 0.5, 2]]) drawer.lineTo(x * unit, y * unit);
    drawer.fill();
  }
  return pen.createPattern(tile, "repeat");
}

export class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  /** Follow the size of the picture on the page (CSS pixels). */
  fit({ width, height }) {
    this.canvas.width = Math.max(1, Math.round(width * density()));
    this.canvas.height = Math.max(1, Math.round(height * density()));
    this.tint = stripes(this.pen);
  }

  /** `brush`: x, y and size in pixels of the mask, isShown, isDown (painting by keyboard), erases. */
  draw(mask, brush) {
    const { pen, canvas } = this;
    const factor = canvas.width / mask.width;
    pen.globalCompositeOperation = "copy";
    pen.drawImage(mask.canvas, 0, 0, canvas.width, canvas.height);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = this.tint;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.globalCompositeOperation = "source-over";
    if (!brush.isShown) return;
    const ring = (radius) => { pen.beginPath(); pen.arc(brush.x * factor, brush.y * factor, radius, 0, 2 * Math.PI); };
    // Two rings, dark in light, so that the brush is seen on any picture.
    for (const [stroke, wide] of [["rgb(0 0 0 / .75)", 3.5], [brush.erases ? "#9fd0ff" : "#fff", 1.5]]) {
      ring(Math.max(2, (brush.size * factor) / 2));
      pen.lineWidth = wide * density();
      pen.strokeStyle = stroke;
      pen.stroke();
    }
    if (!brush.isDown) return;
    ring(4 * density());
    pen.fillStyle = "#fff";
    pen.fill();
  }
}
