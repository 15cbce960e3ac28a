// Points of some classes, painted on a plane by mouse, finger or keys; Python gets them all when the pen is lifted.
// surfaces_paint.js has the markers: the same as on the maps.

const [UNSEEN, CLASS_MARKERS] = [2, [0, 1, 3]]; // Of the maps' markers.
const NAMES = ["First class", "Second class", "Third class"];
const APART = 0.12; // Of neighbours in one stroke, in units of the plane.
const ERASED = 0.25; // How far the eraser reaches.
const MARKER = 5; // px

// What is said of keys, where there may be some.
const keys = (said) => (matchMedia("(pointer: coarse)").matches ? "" : said);

class PointsPad {
  #component;
  #points;
  #cluster;
  #tool = 0;
  #down = null; // The pointer that paints.
  #last = null; // Where it painted last.
  #cursor = null; // Of the keyboard, in units of the plane.

  constructor(root, component) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.tools = root.querySelector(".tools");
    this.#component = component;
    this.#points = component.data.points.map((point) => [...point]);
    this.#cluster = component.data.cluster;
    this.#buildTools();
    this.canvas.addEventListener("pointerdown", (event) => this.#start(event));
    this.canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, (event) => this.#end(event));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("blur", () => this.#at(null));
    this.observer = new ResizeObserver(() => this.#paint());
    this.observer.observe(this.canvas);
  }

  // What is painted is the visitor's, of which later data are echoes; the cluster can be moved by numbers too.
  update(component) {
    this.#component = component;
    const { paints, points, cluster } = component.data;
    if (!paints) this.#points = points;
    if (this.#down === null) this.#cluster = cluster;
    this.#paint();
  }

  disconnect() {
    this.observer.disconnect();
  }

  #buildTools() {
    const { paints, n_classes } = this.#component.data;
    const names = paints ? [...NAMES.slice(0, n_classes), "Eraser", "Unseen cluster"] : ["Unseen cluster"];
    const buttons = names.map((name, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.setAttribute("role", "radio");
      button.addEventListener("click", () => this.#choose(i));
      return button;
    });
    const clear = document.createElement("button");
    clear.type = "button";
    clear.textContent = "Clear";
    clear.addEventListener("click", () => {
      this.#points = [];
      this.#paint();
      this.#send();
    });
    this.tools.replaceChildren(...buttons, ...(paints ? [clear] : []));
    this.tools.hidden = !paints;
    this.#choose(0);
  }

  #choose(tool) {
    this.#tool = tool;
    [...this.tools.querySelectorAll("[role=radio]")].forEach((b, i) => b.setAttribute("aria-checked", i === tool));
  }

  get #erases() {
    return this.#tool === this.#component.data.n_classes;
  }

  get #movesCluster() {
    return !this.#component.data.paints || this.#tool > this.#component.data.n_classes;
  }

  #toPoint(event) {
    const { x_range: [x0, x1], y_range: [y0, y1] } = this.#component.data;
    const box = this.canvas.getBoundingClientRect();
    const [right, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [x0 + Math.min(1, Math.max(0, right)) * (x1 - x0), y1 - Math.min(1, Math.max(0, down)) * (y1 - y0)];
  }

  #start(event) {
    if (this.#down !== null || event.button !== 0) return;
    this.#down = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.#last = null;
    this.#put(this.#toPoint(event));
  }

  #move(event) {
    if (event.pointerId !== this.#down) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.#put(this.#toPoint(each));
  }

  #end(event) {
    if (event.pointerId !== this.#down) return;
    this.#down = null;
    this.#send();
  }

  #put(at) {
    const distance = ([x, y]) => Math.hypot(x - at[0], y - at[1]);
    if (this.#movesCluster) {
      this.#cluster = at.map((value) => Math.round(100 * value) / 100);
    } else if (this.#erases) {
      this.#points = this.#points.filter((point) => distance(point) > ERASED);
    } else {
      if (this.#last !== null && distance(this.#last) < APART) return;
      if (this.#points.length >= this.#component.data.most) return;
      this.#last = at;
      this.#points.push([...at.map((value) => Math.round(1000 * value) / 1000), this.#tool]);
    }
    this.#paint();
  }

  #key(event) {
    const { x_range: [x0, x1], y_range: [y0, y1], n_classes } = this.#component.data;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const from = this.#cursor ?? [(x0 + x1) / 2, (y0 + y1) / 2];
    if (step) {
      const size = event.shiftKey ? 0.5 : 0.1;
      const [x, y] = [from[0] + size * step[0], from[1] + size * step[1]];
      this.#at([Math.min(x1, Math.max(x0, x)), Math.min(y1, Math.max(y0, y))]);
    } else if (event.key === "Enter" || event.key === " ") {
      this.#last = null;
      this.#put(from);
      this.#at(from);
      this.#send();
    } else if (this.#component.data.paints && event.key >= "1" && event.key <= String(n_classes + 2)) {
      this.#choose(Number(event.key) - 1);
    } else {
      return;
    }
    event.preventDefault();
  }

  #at(point) {
    this.#cursor = point;
    this.#paint();
  }

  #send() {
    if (this.#movesCluster) this.#component.setStateValue("cluster", this.#cluster);
    else this.#component.setStateValue("points", this.#points);
  }

  #paint() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0) return; // In a closed tab or expander.
    const ratio = Math.min(2, devicePixelRatio);
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = this.canvas.getContext("2d");
    const { x_range: [x0, x1], y_range: [y0, y1], n_classes } = this.#component.data;
    const place = ([x, y]) => [((x - x0) / (x1 - x0)) * width * ratio, ((y1 - y) / (y1 - y0)) * height * ratio];
    for (let k = 0; k < n_classes; k++) {
      const of_class = this.#points.filter((point) => point[2] === k).map(place);
      drawMarkers(context, CLASS_MARKERS[k], MARKER * ratio, of_class);
    }
    const around = [[0, 0], [0.12, 0.05], [-0.1, 0.09], [0.04, -0.13], [-0.07, -0.08]];
    const cross = around.map(([x, y]) => place([this.#cluster[0] + x, this.#cluster[1] + y]));
    drawMarkers(context, UNSEEN, MARKER * ratio, cross);
    if (this.#cursor !== null) {
      const [x, y] = place(this.#cursor);
      context.strokeStyle = "#fff";
      context.lineWidth = 2 * ratio;
      context.strokeRect(x - 9 * ratio, y - 9 * ratio, 18 * ratio, 18 * ratio);
    }
    const n = NAMES.slice(0, n_classes).map((name, k) => [name, this.#points.filter((p) => p[2] === k).length]);
    const counted = n.filter(([, count]) => count).map(([name, count]) => `${name.toLowerCase()}: ${count}`).join(", ");
    this.root.querySelector(".hint").textContent = this.#component.data.paints
      ? counted || `Paint points of two classes or three.${keys(" Keys: arrows move, Enter paints, 1 to 5 choose.")}`
      : `Drag the crosses: what no method sees in training.${keys(" Keys: arrows and Enter.")}`;
  }
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".points-pad");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new PointsPad(root, component));
  return () => shown.get(root).disconnect();
}
