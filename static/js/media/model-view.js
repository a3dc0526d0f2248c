// <model-view data-src="…glb" data-name="…">: a 3D model that one can turn. Inside it is its poster, which stays where there is no script and no 3D.
// three.js is fetched when the first model comes into view, so no other page pays for it.
import { announce, icon, make } from "../dom.js";

const HELP = "Drag, or use the arrow keys, to turn it; plus and minus to come closer or go back; 0 for the first view.";
const CANNOT = {
  draw: "This browser does not draw in 3D. Download the model to look at it elsewhere.",
  read: "The model could not be loaded. Reload the page, or download the model.",
};
const STEP = Math.PI / 16;
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

class ModelView extends HTMLElement {
  connectedCallback() {
    this.watch = new IntersectionObserver(([entry]) => {
      if (entry.isIntersecting && !this.stay) this.begin();
      this.scene?.setVisible(entry.isIntersecting);
    });
    this.watch.observe(this);
  }

  disconnectedCallback() {
    this.watch.disconnect();
    this.scene?.close();
    // Back to the poster: put into a page once more, it begins anew.
    this.stay = this.scene = null;
    for (const one of this.querySelectorAll("canvas, .model-tools, .model-trouble")) one.remove();
    delete this.dataset.state;
  }

  async begin() {
    const stay = this.stay = {}; // what is loaded for one stay in a page is nothing to the next
    this.dataset.state = "loading";
    const canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": `${this.dataset.name}. ${HELP}`, "aria-roledescription": "3D model" });
    try {
      const { open } = await import("./scene.js");
      if (stay !== this.stay) return;
      this.prepend(canvas);
      const scene = await open(canvas, this.dataset.src, { turning: !isStill(), onTurning: (turning) => this.showTurning(turning) });
      if (stay !== this.stay) { scene.close(); return; }
      this.scene = scene;
    } catch (error) {
      if (stay !== this.stay) return;
      canvas.remove();
      this.fail(error.name === "NoGraphics" ? CANNOT.draw : CANNOT.read);
      return;
    }
    this.append(this.tools());
    this.dataset.state = "shown";
    canvas.addEventListener("keydown", (event) => this.press(event));
    announce("The model is shown.");
  }

  fail(words) {
    this.dataset.state = "failed";
    this.append(make("p", { class: "model-trouble", role: "alert" }, words));
  }

  tools() {
    const control = (name, label, act, attributes = {}) => {
      const button = make("button", { type: "button", class: "icon", "aria-label": label, title: label, ...attributes }, icon(name));
      button.addEventListener("click", act);
      return button;
    };
    this.turner = control("turn", "Turn by itself", () => this.scene.setTurning(!this.scene.isTurning), { "aria-pressed": String(!isStill()) });
    return make("div", { class: "model-tools", role: "group", "aria-label": "View" },
      this.turner,
      control("minus", "Go back", () => this.scene.zoom(1.2)),
      control("plus", "Come closer", () => this.scene.zoom(1 / 1.2)),
      control("undo", "First view", () => this.scene.reset()));
  }

  showTurning(turning) { this.turner?.setAttribute("aria-pressed", String(turning)); }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowLeft: () => this.scene.turn(-STEP, 0),
      ArrowRight: () => this.scene.turn(STEP, 0),
      ArrowUp: () => this.scene.turn(0, -STEP),
      ArrowDown: () => this.scene.turn(0, STEP),
      "+": () => this.scene.zoom(1 / 1.2),
      "=": () => this.scene.zoom(1 / 1.2),
      "-": () => this.scene.zoom(1.2),
      0: () => this.scene.reset(),
    }[event.key];
    if (!act) return;
    event.preventDefault(); // the page's own arrows lead to the next picture
    act();
  }
}
customElements.define("model-view", ModelView);
