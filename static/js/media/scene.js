// One GLB on one canvas, lit as in a photographer's room. Draws only when something moves.
import { Box3, NeutralToneMapping, PerspectiveCamera, PMREMGenerator, Scene, Spherical, TextureLoader, Vector3, WebGLRenderer } from "../../vendor/three/three.module.min.js";
import { OrbitControls } from "../../vendor/three/controls/OrbitControls.js";
import { RoomEnvironment } from "../../vendor/three/environments/RoomEnvironment.js";
import { GLTFLoader } from "../../vendor/three/loaders/GLTFLoader.js";

const ANGLE = 35; // degrees from the lower to the upper edge of the view
const FROM = new Vector3(0.6, 0.35, 1).normalize();
const GREETING = 5000; // ms that a model turns by itself to show that it can be turned
const ROOM = 1.18; // how much farther away than would just fit

class NoGraphics extends Error { name = "NoGraphics"; }

function rendererOn(canvas) {
  try {
    return new WebGLRenderer({ canvas, antialias: true, alpha: true });
  } catch {
    throw new NoGraphics();
  }
}

async function load(url) {
  const loader = new GLTFLoader();
  // Textures by way of <img>, which the content policy lets show a blob; the loader's own way would fetch it.
  loader.register((parser) => {
    parser.textureLoader = new TextureLoader();
    return { name: "textures-as-images" };
  });
  return (await loader.loadAsync(url)).scene;
}

/** Show the model of `url`. Throws `NoGraphics` where there is no WebGL, something else when the file cannot be read. */
export async function open(canvas, url, { turning, onTurning }) {
  const renderer = rendererOn(canvas);
  try {
    return new View(canvas, renderer, await load(url), turning, onTurning);
  } catch (error) {
    renderer.dispose();
    throw error;
  }
}

/** The ball around all corners of a model: closer than the one around its box. */
function ballAround(model) {
  const center = new Box3().setFromObject(model).getCenter(new Vector3());
  const corner = new Vector3();
  let radius = 0;
  model.traverse((thing) => {
    const places = thing.geometry?.attributes.position;
    for (let i = 0; i < (places?.count ?? 0); i++) radius = Math.max(radius, corner.fromBufferAttribute(places, i).applyMatrix4(thing.matrixWorld).distanceTo(center));
  });
  return { center, radius: radius || 1 };
}

class View {
  constructor(canvas, renderer, model, turning, onTurning) {
    Object.assign(this, { canvas, renderer, onTurning, frame: 0, isVisible: true });
    renderer.toneMapping = NeutralToneMapping;
    this.scene = new Scene();
    const light = new PMREMGenerator(renderer);
    this.scene.environment = light.fromScene(new RoomEnvironment(), 0.04).texture;
    light.dispose();
    this.scene.add(model);
    this.ball = ballAround(model);
    this.camera = new PerspectiveCamera(ANGLE, 1, this.ball.radius / 100, this.ball.radius * 100);
    this.controls = new OrbitControls(this.camera, canvas);
    Object.assign(this.controls, { enablePan: false, enableDamping: true, minDistance: this.ball.radius * 1.1, maxDistance: this.ball.radius * 12 });
    this.controls.addEventListener("change", () => this.wake());
    this.controls.addEventListener("start", () => this.setTurning(false));
    this.size = new ResizeObserver(() => this.fit());
    this.fit();
    this.reset();
    this.size.observe(canvas);
    this.setTurning(turning);
    if (turning) this.rest = setTimeout(() => this.setTurning(false), GREETING);
    this.back = () => this.wake();
    document.addEventListener("visibilitychange", this.back);
  }

  get isTurning() { return this.controls.autoRotate; }

  setTurning(turning) {
    clearTimeout(this.rest);
    if (turning !== this.isTurning) this.onTurning(turning);
    this.controls.autoRotate = turning;
    this.wake();
  }

  setVisible(visible) { this.isVisible = visible; this.wake(); }

  reset() {
    const half = Math.tan((ANGLE / 360) * Math.PI) * Math.min(1, this.camera.aspect);
    this.controls.target.copy(this.ball.center);
    this.camera.position.copy(FROM).multiplyScalar((this.ball.radius / Math.sin(Math.atan(half))) * ROOM).add(this.ball.center);
    this.controls.update();
    this.wake();
  }

  /** Go around the model, by angles in radians; never over a pole. */
  turn(around, down) { this.place((at) => { at.theta += around; at.phi = Math.min(Math.PI - 0.05, Math.max(0.05, at.phi + down)); }); }

  zoom(factor) { this.place((at) => { at.radius = Math.min(this.controls.maxDistance, Math.max(this.controls.minDistance, at.radius * factor)); }); }

  place(change) {
    this.setTurning(false);
    const at = new Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target));
    change(at);
    this.camera.position.setFromSpherical(at).add(this.controls.target);
    this.controls.update();
    this.wake();
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.wake();
  }

  wake() { if (!this.frame && this.isVisible && !document.hidden) this.frame = requestAnimationFrame(() => this.draw()); }

  draw() {
    this.frame = 0;
    this.controls.update(); // asks for the next frame by itself while it turns, or swings to a halt
    this.renderer.render(this.scene, this.camera);
  }

  close() {
    clearTimeout(this.rest);
    document.removeEventListener("visibilitychange", this.back);
    cancelAnimationFrame(this.frame);
    this.frame = -1;
    this.size.disconnect();
    this.controls.dispose();
    this.scene.traverse((thing) => {
      thing.geometry?.dispose();
      for (const material of [thing.material ?? []].flat()) { material.map?.dispose(); material.dispose(); }
    });
    this.scene.environment.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }
}
